"""The names of optimizers, known without loading torch, so that a misspelt one is refused at once.

They are read from the source of the package ``optimizers``: the classes that it exports and that
derive from its ``Optimizer``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wse_emulator.errors import FactoryError, UnknownNameError, near

_BASES: Final = ("Optimizer", "AdamBase")
"""Exported bases, no rules of their own."""


_CLASS: Final = re.compile(r"^class (\w+)\(([^)]*)\)", re.MULTILINE)
_EXPORTED: Final = re.compile(r'^    "(\w+)",$', re.MULTILINE)


@lru_cache(maxsize=1)
def optimizer_names() -> tuple[str, ...]:
    """Class names of the optimizers that a user may name, sorted."""
    spec = find_spec("optimizers")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin)
    bases = {
        name: [base.strip() for base in listed.split(",")]
        for path in package.parent.glob("*.py")
        for name, listed in _CLASS.findall(path.read_text(encoding="utf-8"))
    }

    def derives(name: str) -> bool:
        return any(base == _BASES[0] or derives(base) for base in bases.get(name, ()))

    exported = _EXPORTED.findall(package.read_text(encoding="utf-8"))
    return tuple(sorted(name for name in exported if name not in _BASES and derives(name)))


def check_optimizer_name(text: str | None) -> None:
    """Refuse a text that can name no optimizer, before anything is loaded.

    Raises:
        FactoryError: it names a file that is not there.
        UnknownNameError: it is no optimizer of the package, nor ``module:Class``.
    """
    if text is None:
        return
    where, colon, _ = text.rpartition(":")
    if colon:
        if where.endswith(".py") and not Path(where).is_file():
            raise FactoryError(f"there is no file {where}")
        return
    known = optimizer_names()
    if text.lower() not in (name.lower() for name in known):
        raise unknown_optimizer(text)


def unknown_optimizer(name: str) -> UnknownNameError:
    """The error for a name that no optimizer has."""
    known = optimizer_names()
    module, dot, last = name.rpartition(".")
    if dot and last == "py":
        own = f"name the class in the file, {name}:Class"
    elif dot and module and last:
        own = f"a class in a module is written {module}:{last}"
    else:
        own = "one of your own is module:Class or file.py:Class"
    return UnknownNameError(
        f"unknown optimizer {name!r}{near(name, known)}; there are {', '.join(known)}; {own}"
    )
