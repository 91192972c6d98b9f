"""Every public function and class has an example in its docstring, and the examples are right."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

import optimizers
import schedulers
import wse_emulator
from wse_emulator import optim

MODULES = {
    "torch": torch,
    "optimizers": optimizers,
    "schedulers": schedulers,
    "wse_emulator": wse_emulator,
}
"""What an example may use without importing it."""

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The public functions and classes of a module."""
    for name in module.__all__:
        found = getattr(module, name)
        if inspect.isclass(found) or inspect.isroutine(found):
            yield name, found


EACH = [
    pytest.param(name, found, id=f"{module.__name__}.{name}")
    for module in (optimizers, schedulers, wse_emulator)
    for name, found in public(module)
]


@pytest.mark.parametrize(("name", "found"), EACH)
@pytest.mark.filterwarnings("default")
def test_the_example_prints_what_the_docstring_says(name: str, found: object) -> None:
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(found) or "", dict(MODULES), name, inspect.getsourcefile(found), 0
    )
    assert any(example.want for example in test.examples), "no example that prints something"
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


def test_optim_is_the_same_objects_under_one_name() -> None:
    """Their examples are run above."""
    own = {id(found) for module in (optimizers, schedulers) for _, found in public(module)}
    assert {name for name, found in public(optim) if id(found) not in own} == set()
