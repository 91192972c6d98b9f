"""A public name has one meaning: no two modules define a class, a function or an alias by it.

A name that is imported from where it is defined is no second definition. Names with a leading
underscore and methods are their module's or class's own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("wse_emulator", "optimizers", "schedulers", "scenarios")

VARIABLES_OF_TYPES = {"TypeVar", "ParamSpec", "TypeVarTuple"}

SAME = {
    "main": "the entry point of a file",
    "StateCreatedError": "a step that creates state: refused as it runs, judged when captured",
    "StateRemovedError": "a step that removes state, likewise",
    "StateReplacedError": "a step that replaces state, likewise",
    "scenarios/answer": "the figures of a scenario",
    "optimizers/rate": "the check of a learning rate",
    "schedulers/rate": "the check of a learning rate",
}
"""Name, or package and name, -> what each definition by it means."""


@dataclass(frozen=True)
class Definition:
    """A public name at the top level of a module; ``text`` is that of an alias, else empty."""

    name: str
    path: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def meaning(self) -> str:
        """What two definitions by one name have in common if they mean the same."""
        package, *rooms = self.path.removesuffix(".py").split("/")
        same = SAME.get(self.name) or SAME.get(f"{package}/{self.name}")
        if same is not None:
            return same
        if rooms[0] in {"cli", "questions", "results"} and self.name in rooms[1:]:
            return "question"  # the command `wse run` asks what the function `run` asks
        return self.text or str(self)


def definitions(path: Path) -> Iterator[Definition]:
    """The classes, functions and aliases of types that a module defines for others."""
    place = path.relative_to(ROOT).as_posix()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            named = [(node.name, "")]
        elif isinstance(node, ast.Assign) and not _is_variable(node.value):
            targets = [target for target in node.targets if isinstance(target, ast.Name)]
            text = ast.unparse(node.value)
            named = [(target.id, text) for target in targets if _is_type_name(target.id)]
        else:
            continue
        for name, text in named:
            if not name.startswith("_"):
                yield Definition(name, place, node.lineno, text)


def _is_type_name(name: str) -> bool:
    return name[:1].isupper() and not name.isupper()


def _is_variable(value: ast.expr) -> bool:
    """Whether a value is a variable that stands for types: it means nothing outside its module."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in VARIABLES_OF_TYPES
    )


def test_a_public_name_has_one_meaning() -> None:
    by_name: dict[str, list[Definition]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for definition in definitions(path):
                by_name.setdefault(definition.name, []).append(definition)
    assert len(by_name) > 500
    doubled = {
        name: ", ".join(map(str, found))
        for name, found in sorted(by_name.items())
        if len({definition.meaning for definition in found}) > 1
    }
    assert doubled == {}
