"""Schemas of ops: the names of their arguments, and which of them they write."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from wse_emulator.program import Argument


@dataclass(frozen=True, slots=True)
class Schema:
    """What the schema of an op says: its name, and its arguments in order.

    Attributes:
        name: with overload: ``aten.add.Tensor``.
        names: of all arguments, those by keyword alone last.
        defaults: of all arguments in the same order, None where there is none.
        written: positions of the arguments that the op writes.
    """

    name: str
    names: tuple[str, ...]
    defaults: tuple[Argument, ...]
    written: tuple[int, ...]

    def bound(
        self,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        read: Callable[[object], Argument],
    ) -> tuple[Argument, ...]:
        """All arguments of one call in order, each as ``read`` gives it; defaults filled in."""
        held = [read(argument) for argument in arguments]
        held += self.defaults[len(held) :]
        for name, argument in keywords.items():
            held[self.names.index(name)] = read(argument)
        return tuple(held)

    def written_by(
        self, arguments: Sequence[object], keywords: Mapping[str, object]
    ) -> list[object]:
        """The arguments of one call that the op writes: tensors, and lists of tensors."""
        return [
            arguments[place] if place < len(arguments) else keywords.get(self.names[place])
            for place in self.written
        ]


@functools.lru_cache(maxsize=4096)
def schema_of(func: torch._ops.OpOverload) -> Schema:
    """The schema of an op, read once."""
    arguments = func._schema.arguments
    return Schema(
        name=str(func),
        names=tuple(argument.name for argument in arguments),
        defaults=tuple(plain_argument(argument.default_value) for argument in arguments),
        written=tuple(
            position
            for position, argument in enumerate(arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ),
    )


def plain_argument(given: object) -> Argument:
    """A Python value; dtypes, devices and the like by their names."""
    if given is None or isinstance(given, (bool, int, float, str)):
        return given
    if isinstance(given, (list, tuple)):
        return tuple(plain_argument(item) for item in given)
    return str(given)
