"""Stacked matrices: tensors of more than two dimensions whose step keeps statistics of each apart.

The last two dimensions of a convolution's weight (3 x 3, say) are a matrix, and there is one for
each pair of an output and an input channel. Such matrices are small and many: they lie whole in
the PEs, and what is made of one matrix stays where that matrix is.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Literal

from wse_emulator.ops.contractions import multiplied_as
from wse_emulator.program import Parameter, TensorOp

Statistic = Literal["rows", "cols", "matrices"]
"""One element a row, a column, or the whole of each matrix."""


def stacked_matrix(parameter: Parameter, ops: Iterable[TensorOp]) -> tuple[int, int] | None:
    """(rows, cols) of one matrix, if the step keeps the parameter's matrices apart.

    It does if an op makes one element a column or one a matrix. Rows of all matrices are the rows
    of one tall matrix, which needs no stack; nor does a step that multiplies the parameter as one
    matrix.
    """
    shape = parameter.shape
    if stack_height(shape) < 2 or parameter.numel == 0:
        return None
    ops = tuple(ops)
    if multiplied_as(shape, ops) is None and any(_keeps_apart(op, parameter) for op in ops):
        return shape[-2], shape[-1]
    return None


def stack_height(shape: tuple[int, ...]) -> int:
    """Number of matrices; 1 for a matrix and for less."""
    return prod(shape[:-2])


def statistic_of(shape: tuple[int, ...], whole: tuple[int, ...]) -> Statistic | None:
    """What a tensor of ``shape`` is to the matrices stacked in ``whole``; None for another shape.

    Of square matrices, rows and columns are not told apart: there are as many of them.
    """
    if len(whole) < 3 or shape[: len(whole) - 2] != whole[:-2]:
        return None
    (rows, cols), rest = whole[-2:], shape[len(whole) - 2 :]
    if rest in ((), (1,), (1, 1)):
        return "matrices"
    if rest in ((rows,), (rows, 1)):
        return "rows"
    return "cols" if rest in ((cols,), (1, cols)) else None


def _keeps_apart(op: TensorOp, parameter: Parameter) -> bool:
    whole = parameter.shape
    if not 1 < op.numel < parameter.numel:
        return False
    made = statistic_of(op.shape, whole)
    if made == "rows" and whole[-2] == whole[-1]:
        return whole in op.read_shapes and reduced_axis(op) in (-2, len(whole) - 2)
    return made in ("cols", "matrices")


def reduces_the_stack(op: TensorOp, whole: tuple[int, ...]) -> bool:
    """Whether an op adds up different matrices, even if its result looks like a statistic of each.

    Of a (6, 3, 3, 3) tensor a mean over dimension 1 has the shape of a mean over the last one.
    """
    operand = max(op.read_shapes, key=prod, default=())
    if prod(operand) <= op.numel:
        return False
    return any(axis % len(operand) < len(whole) - 2 for axis in _dimensions(op))


def reduced_axis(op: TensorOp) -> int | None:
    """The last dimension among an op's arguments: the one it reduces, if it does."""
    axes = _dimensions(op)
    return axes[-1] if axes else None


def _dimensions(op: TensorOp) -> list[int]:
    """Whole numbers among an op's arguments; the first number of a norm is its order."""
    numbers = [s for s in op.scalars if isinstance(s, (int, float)) and not isinstance(s, bool)]
    orders = op.base_name == "linalg_vector_norm"
    return [number for number in numbers[orders:] if isinstance(number, int)]
