"""Which names a module defines, read from its source: nothing is imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

from wse_emulator.errors import FactoryError

_BIND_BY_HAND: Final = frozenset(
    {"globals", "locals", "vars", "exec", "eval", "setattr", "modules", "__dict__", "__getattr__"}
)
"""A module that mentions one of these may have names that its source does not spell."""


def source_of_module(name: str) -> Path | None:
    """The source file of ``package.module`` or ``folder/file.py``; None if it cannot be told.

    Raises:
        FactoryError: there is no such file, or no such module here or on the search path.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise FactoryError(f"there is no file {name}")
        return path
    found, places, text = "", None, ""
    file: Path | None = None
    for part in name.split("."):
        found = f"{found}.{part}" if found else part
        spec = _spec(found, places)
        if spec is None:
            if part in text or not part.isidentifier():
                return None  # its package may bring it in by itself
            raise FactoryError(
                f"module {name!r} cannot be imported: ModuleNotFoundError: No module named "
                f"{found!r}"
            )
        file = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
        places = list(spec.submodule_search_locations or ())
        text = _text(file) if file is not None else part
    return file


def names_of_file(file: Path) -> list[str] | None:
    """All names that the source of a module binds at its top level; None if it may have others."""
    try:
        tree = ast.parse(_text(file))
    except (SyntaxError, ValueError, RecursionError):
        return None
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return None
        if any(getattr(node, word, None) in _BIND_BY_HAND for word in ("id", "attr", "name")):
            return None
        if isinstance(node, ast.Global):
            names.update(node.names)
    names.update(name for node in tree.body for name in _bound(node))
    if file.name == "__init__.py":
        names.update(entry.stem for entry in file.parent.iterdir())
    return sorted(names)


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement binds outside functions and classes, those of its blocks too."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def _spec(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    """Where a module is, as an import would find it with the current folder first."""
    if places is None:
        here = PathFinder.find_spec(name, [str(Path.cwd())])
        if here is not None:
            return here
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = None if find is None else find(name, places)
        if isinstance(spec, ModuleSpec):
            return spec
    return None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
