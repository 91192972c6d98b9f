"""docs/python.md: its examples run, and it has every function and every method there is."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

import wse_emulator
from tests.docs.test_examples import FLAGS
from wse_emulator.results.answer import Answer, DrawnAnswer, StepAnswer

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "python.md"
PAGE = PATH.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("default")
def test_the_examples_print_what_the_page_says() -> None:
    test = doctest.DocTestParser().get_doctest(PAGE, {}, PATH.name, str(PATH), 0)
    assert len(test.examples) > 20
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


def test_every_command_has_its_row() -> None:
    rows = re.findall(r"^\| `wse ([a-z]+)` \| `wse_emulator\.([a-z]+)\(", PAGE, re.MULTILINE)
    assert [command for command, _ in rows] == [function for _, function in rows]
    assert {command for command, _ in rows} == set(wse_emulator.COMMANDS)


def test_every_exported_name_is_explained() -> None:
    functions = {n for n in wse_emulator.__all__ if inspect.isroutine(getattr(wse_emulator, n))}
    assert {name for name in functions if f"wse_emulator.{name}(" not in PAGE} == set()
    results = {
        name
        for name in wse_emulator.__all__
        if inspect.isclass(found := getattr(wse_emulator, name)) and issubclass(found, Answer)
    }
    assert len(results) == 9
    assert {name for name in results if f"`{name}`" not in PAGE} == set()


def test_every_method_has_its_row() -> None:
    methods = {
        name
        for kind in (Answer, DrawnAnswer, StepAnswer)
        for name in vars(kind)
        if not name.startswith("_")
    }
    assert methods == set(re.findall(r"^\| `([a-z]+)\(", PAGE, re.MULTILINE))
