"""Which Python objects are values that need no copy, and where the others hold what they hold."""

from __future__ import annotations

import io
import types
from collections.abc import Iterator
from enum import Enum
from typing import Final

import numpy as np
import torch

ATOMS: Final = (
    type(None),
    bool,
    float,
    complex,
    str,
    bytes,
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
    torch.Size,
    np.dtype,
    np.generic,
    Enum,
    range,
    slice,
    type(Ellipsis),
    io.IOBase,
)
"""Objects of these types are the same for everybody."""


def slots_of(x: object) -> Iterator[str]:
    """Names of the filled slots of an object."""
    for kind in type(x).__mro__:
        named = kind.__dict__.get("__slots__", ())
        for name in (named,) if isinstance(named, str) else named:
            private = name.startswith("__") and not name.endswith("__")
            full = f"_{kind.__name__.lstrip('_')}{name}" if private else name
            if full not in ("__dict__", "__weakref__") and hasattr(x, full):
                yield full


def is_filled(cell: types.CellType) -> bool:
    """Whether a variable of a closure has a value yet."""
    try:
        cell.cell_contents  # noqa: B018  an empty cell raises
    except ValueError:
        return False
    return True
