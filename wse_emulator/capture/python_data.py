"""Tensors that a step makes from Python data: constants, unless the step writes to one."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from wse_emulator.capture.schemas import plain_argument, schema_of
from wse_emulator.capture.storages import StorageTable
from wse_emulator.program import Arguments, TensorOp


class PythonData:
    """The values that were made from Python data, and how many ops came before each."""

    def __init__(self) -> None:
        self._place: dict[int, int] = {}

    def __contains__(self, index: int) -> bool:
        """Whether a value was made from Python data."""
        return index in self._place

    def __iter__(self) -> Iterator[int]:
        """The indices of these values."""
        return iter(self._place)

    def add(self, index: int, ops: int) -> None:
        """A value was made after so many ops."""
        self._place[index] = ops

    def filling(self, index: int, table: StorageTable) -> TensorOp | None:
        """The op that makes a tensor of one Python number, for one that the step writes to.

        Its index says before which op it comes. None if the tensor holds several numbers: no op of
        a PE makes those. The value is a temporary from then on.
        """
        value = table.values[index]
        number = value.name.removeprefix("tensor(").rstrip(")[]").lstrip("[(")
        try:
            fill = float(number)
        except ValueError:
            return None
        table.make_temporary(index)
        place = self._place.pop(index)
        for other, later in self._place.items():
            if later >= place:
                self._place[other] = later + 1
        schema = schema_of(torch.ops.aten.full.default)
        return TensorOp(
            index=place,
            name=schema.name,
            owner=None,
            reads=(),
            writes=(index,),
            shape=value.shape,
            dtype=value.dtype,
            arguments=Arguments.of(
                schema.names, schema.bound([value.shape, fill], {}, plain_argument)
            ),
            read_shapes=(),
            where=table.made_at.get(index, ""),
        )
