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
from wse_emulator.ops.parameter_axes import Along, ParameterAxes
from wse_emulator.ops.table import axes_of
from wse_emulator.program import Parameter, TensorOp

Statistic = Literal["rows", "cols", "matrices"]
"""One element a row, a column, or the whole of each matrix."""


def stacked_matrix(
    parameter: Parameter, ops: Iterable[TensorOp], axes: ParameterAxes
) -> tuple[int, int] | None:
    """(rows, cols) of one matrix, if the step keeps the parameter's matrices apart.

    It does if an op makes one element a column or one a matrix. Rows of all matrices are the rows
    of one tall matrix, which needs no stack; nor does a step that multiplies the parameter as one
    matrix.
    """
    shape = parameter.shape
    if stack_height(shape) < 2 or parameter.numel == 0:
        return None
    ops = tuple(ops)
    if multiplied_as(shape, ops) is None and any(_keeps_apart(op, parameter, axes) for op in ops):
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


def statistic_along(along: frozenset[int], whole: tuple[int, ...]) -> Statistic | None:
    """What a tensor that has the axes ``along`` of ``whole`` is to the matrices stacked in it."""
    last = len(whole) - 1
    if last < 2:
        return None
    long = frozenset(axis for axis, size in enumerate(whole) if size > 1)
    kept = along & long
    if kept == long - {last - 1, last}:
        return "matrices"
    if kept == long - {last}:
        return "rows"
    return "cols" if kept == long - {last - 1} else None


def _keeps_apart(op: TensorOp, parameter: Parameter, axes: ParameterAxes) -> bool:
    whole = parameter.shape
    if not 1 < op.numel < parameter.numel:
        return False
    made = joined(axes.result(op))
    known = statistic_of(op.shape, whole) if made is None else statistic_along(made, whole)
    return known in ("cols", "matrices")


def joined(dimensions: Iterable[Along | None]) -> frozenset[int] | None:
    """All axes of a tensor's dimensions, None if one of them is not known."""
    found: set[int] = set()
    for along in dimensions:
        if along is None:
            return None
        found.update(along)
    return frozenset(found)


def reduces_the_stack(op: TensorOp, whole: tuple[int, ...], axes: ParameterAxes) -> bool:
    """Whether an op adds up different matrices, even if its result looks like a statistic of each.

    Of a (6, 3, 3, 3) tensor a mean over dimension 1 has the shape of a mean over the last one.
    """
    gone = axes_of(op).reduced
    labels = axes.iterated(op)
    return any(axis < len(whole) - 2 for place in gone for axis in labels[place] or ())
