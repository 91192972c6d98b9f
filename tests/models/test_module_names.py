"""The names of a module as its source has them: a name that exists is never refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch

import optimizers
import schedulers
from wse_emulator.errors import FactoryError
from wse_emulator.models.factory import require_factory
from wse_emulator.models.module_names import names_of_file, source_of_module

BINDINGS = {
    "def f(): pass": "f",
    "async def f(): pass": "f",
    "class f: pass": "f",
    "f = lambda: 1": "f",
    "f: object = 1": "f",
    "a, (b, *f) = 1, (2, 3)": "f",
    "import f": "f",
    "import f.g": "f",
    "import g as f": "f",
    "from g import f": "f",
    "from g import h as f": "f",
    "if True:\n    def f(): pass": "f",
    "try:\n    from g import f\nexcept ImportError as e:\n    f = None": "f",
    "for f in (): pass": "f",
    "with open('x') as f: pass": "f",
    "(f := 3)": "f",
    "def make():\n    global f\n    f = 1": "f",
    "match 1:\n    case {'a': f}: pass": "f",
}

OPEN = (
    "from g import *",
    "globals()['f'] = 1",
    "import sys\nsetattr(sys.modules[__name__], 'f', 1)",
    "def __getattr__(name): return 1",
    "exec('f = 1')",
    "def f(:",
)
"""Sources from which it cannot be told what names there are."""


@pytest.mark.parametrize("source", BINDINGS)
def test_every_way_to_bind_a_name_is_known(source: str, tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text(source)
    names = names_of_file(file)
    assert names is not None
    assert BINDINGS[source] in names


@pytest.mark.parametrize("source", OPEN)
def test_a_module_that_may_have_other_names_is_left_open(source: str, tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text(source)
    assert names_of_file(file) is None
    require_factory(f"{file}:anything")


def test_names_within_functions_are_no_names_of_the_module(tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text("def f():\n    inner = 1\nclass C:\n    field = 1\n")
    assert names_of_file(file) == ["C", "f"]
    with pytest.raises(FactoryError, match="has no 'inner'; it has C, f"):
        require_factory(f"{file}:inner")
    require_factory(f"{file}:C.field")


def test_submodules_and_attributes_of_attributes_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_package_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("from some_package_of_mine.inner import f\n")
    (package / "inner.py").write_text("def f(): pass\n")
    monkeypatch.chdir(tmp_path)
    for name in ("some_package_of_mine:f", "some_package_of_mine:inner.f"):
        require_factory(name)
    require_factory("some_package_of_mine.inner:f")
    with pytest.raises(FactoryError, match=r"No module named 'some_package_of_mine\.outer'"):
        require_factory("some_package_of_mine.outer:f")


def test_a_module_without_a_source_is_left_open() -> None:
    for name in ("sys", "math", "itertools", "_ctypes"):
        assert source_of_module(name) is None
        require_factory(f"{name}:anything")


@pytest.mark.parametrize("module", [optimizers, schedulers, torch.optim])
def test_no_name_of_a_package_is_refused(module: ModuleType) -> None:
    file = source_of_module(module.__name__)
    assert file is not None
    known = names_of_file(file)
    assert known is not None
    assert {name for name in dir(module) if not name.startswith("__")} <= set(known)
