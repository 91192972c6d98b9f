"""What passes from PE to PE when elements depend on elements at other places.

A scan along lines passes on the sum of all that lies before; a shift passes on the elements that
leave a PE, and takes those that leave the end of a line back to its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from wse_emulator.ops.parameter_axes import ParameterAxes
from wse_emulator.ops.table import axes_of, record_of
from wse_emulator.program import TensorOp

Passage = Literal["row", "column", "all"]
"""Along each row of PEs, along each column, or through all PEs in row-major order."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Messages of a scan or a shift.

    Attributes:
        along: through which PEs elements pass.
        lines: how many lines (elements, for ``all``) pass every border between PEs: one for a
            scan.
        forward: whether they pass to higher places.
        wraps: whether those at the end go back to the beginning: a shift.
    """

    along: Passage
    lines: int
    forward: bool
    wraps: bool


class TransferError(Exception):
    """Elements cannot pass as the op wants it; becomes an error that names op and parameter."""


def transfer_of(
    op: TensorOp, whole: tuple[int, ...], axes: ParameterAxes, *, whole_result: bool, stacked: bool
) -> Transfer | None:
    """What passes from PE to PE for an op on a parameter of shape ``whole``.

    Args:
        op: any op.
        whole: shape of the parameter.
        axes: those of the parameter that its tensors have.
        whole_result: the result has as many elements as the parameter.
        stacked: its matrices lie whole in the PEs.

    Returns:
        None if no element leaves its PE.

    Raises:
        TransferError: it moves along lines that PEs do not hold.
    """
    record = record_of(op.name)
    if record is None or not record.axes.orders or op.numel == 1:
        return None
    order = axes_of(op).ordered
    if order is None:
        return None
    if not whole_result:
        raise TransferError("moves elements of a row or column statistic from PE to PE")
    along = axes.iterated(op)[order.axis]
    if along is None:
        raise TransferError("moves elements along an axis that is not one of the parameter's")
    size = op.shape[order.axis]
    shift = None if order.shift is None else order.shift % size
    if shift == 0 or size == 1:
        return None
    long = [axis for axis, length in enumerate(whole) if length > 1]
    last = len(whole) - 1
    lines = 1
    if stacked:
        if all(axis >= last - 1 for axis in along):
            return None
        raise TransferError("moves elements from one of its stacked matrices to another")
    if list(along) == long:
        course: Passage = "all"
    elif along == (last,):
        course = "row"
    elif along == (long[0],) and (shift is not None or prod(whole[long[0] + 1 : -1]) == 1):
        course = "column"
        lines = prod(whole[long[0] + 1 : -1])
    else:
        raise TransferError("moves elements along a dimension whose lines PEs do not hold")
    if shift is None:
        return Transfer(course, lines, forward=True, wraps=False)
    shortest = min(shift, size - shift)
    return Transfer(course, lines * shortest, forward=shift == shortest, wraps=True)
