"""The tensors among an op's arguments: which value each is, and its view of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import torch

from wse_emulator.capture.schemas import plain_argument
from wse_emulator.capture.storages import dtype_name, storage_key
from wse_emulator.program import Argument, Read, Value


class Operands:
    """Reads the arguments of one call; keeps of each tensor its value and its view of it."""

    __slots__ = (
        "begin_of",
        "dtypes",
        "offsets",
        "reads",
        "recast",
        "shapes",
        "storages",
        "strides",
        "value_of",
    )

    def __init__(
        self, value_of: Callable[[torch.Tensor], Value], begin_of: Callable[[int], int]
    ) -> None:
        self.value_of = value_of
        self.begin_of = begin_of
        self.reads: list[int] = []
        self.storages: list[int] = []
        self.dtypes: list[str] = []
        self.recast = False
        self.shapes: list[tuple[int, ...]] = []
        self.strides: list[tuple[int, ...]] = []
        self.offsets: list[int] = []

    def argument(self, given: object) -> Argument:
        """The argument as the program keeps it."""
        if isinstance(given, torch.Tensor):
            value = self.value_of(given)
            dtype = _dtype(given.dtype)
            self.reads.append(value.index)
            self.dtypes.append(dtype)
            self.recast |= dtype != value.dtype
            self.storages.append(storage_key(given))
            self.shapes.append(tuple(given.shape))
            self.strides.append(given.stride())
            self.offsets.append(int(given.storage_offset()) - self.begin_of(value.index))
            return _read(len(self.reads) - 1)
        if isinstance(given, (list, tuple)):
            return tuple(self.argument(item) for item in given)
        return plain_argument(given)


_dtype = functools.lru_cache(maxsize=64)(dtype_name)
_read = functools.lru_cache(maxsize=64)(Read)
"""One object for each position: a program of 100,000 ops has as many arguments and more."""


def positions(argument: Argument) -> Iterator[int]:
    """Positions of the tensors in an argument, through lists, in order."""
    if isinstance(argument, Read):
        yield argument.position
    elif isinstance(argument, tuple):
        for item in argument:
            yield from positions(item)
