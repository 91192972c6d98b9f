"""Products of matrices on blocks: which axis lies where, with nothing transposed over the fabric.

A product ``C[i, j] = sum over k of A[i, k] * B[k, j]`` has three axes, and each matrix has two of
them. On a rectangle of PEs one axis is cut over the rows of PEs (*down*), one over the columns
(*across*), and the third is gone through in *rounds*, a panel of some lines at a time. The matrix
with the first two axes stays where it lies. Of the other two, the one that has the down axis
travels along rows of PEs, the one that has the across axis along columns: to every PE of the line
if it is a factor, as partial sums that add up along the line if it is the result.

So there is one form for every way in which two factors can lie:

================  ===================  =====================  =======================
factors lie       stays                summed axis            result lies
================  ===================  =====================  =======================
A, B transposed   A (or B)             across (or across)     upright (or transposed)
A transposed, B   B (or A)             down (or down)         upright (or transposed)
A, B              C                    in rounds              upright
both transposed   C                    in rounds              transposed
================  ===================  =====================  =======================

A matrix lies upright if its first axis is cut over the rows of PEs. A symmetric one lies both
ways. A vector lies along the down or the across axis and is held by every PE of its lines, as the
row and column statistics of a parameter are: nothing is sent before it is multiplied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Final, Literal

from wse_emulator.activities import Axis
from wse_emulator.ops.table import axes_of, multiplies
from wse_emulator.program import Read, TensorOp

Side = Literal["down", "across"]
"""Over what an axis is cut: over the rows of PEs (down), or over the columns (across)."""

Role = Side | Literal["rounds"]
"""Where an axis of a product lies: on a side of the rectangle, or in rounds."""


@dataclass(frozen=True, slots=True)
class Block:
    """How a matrix lies on the rectangle of its parameter: how each of its sides is cut.

    Attributes:
        down: number of the length that is cut over the rows of PEs; 0 for the rows of the
            parameter's own matrix, then the further lengths of the step in order.
        across: the same over the columns of PEs; 0 for the parameter's columns.
    """

    down: int
    across: int


OWN: Final = Block(0, 0)
"""The parameter's own block: what lies there lies as the parameter does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of matrices as the PEs of a rectangle carry it out.

    Attributes:
        lines: length of the axis that is gone through in rounds.
        summed: where the axis lies that the product sums over.
        stays: how the matrix lies that is not sent.
        made: how the result lies.
        vectors: the axis in rounds is one line, which each PE already has its part of: nothing is
            sent.
        returned: whether sums go back to all PEs of their line.
        adds: whether what lies as the result is added at the end (``addmm``).
    """

    lines: int
    summed: Role
    stays: Block = OWN
    made: Block = OWN
    vectors: bool = False
    returned: bool = False
    adds: bool = False

    @property
    def sent(self) -> tuple[Axis, ...]:
        """Along which lines of PEs panels are sent."""
        if self.vectors:
            return ()
        along: dict[Role, tuple[Axis, ...]] = {
            "down": ("row",),
            "across": ("column",),
            "rounds": ("row", "column"),
        }
        return along[self.summed]

    @property
    def gathered(self) -> Axis | None:
        """Along which lines of PEs partial sums add up; None if each PE sums by itself."""
        along: dict[Role, Axis | None] = {"down": "column", "across": "row", "rounds": None}
        return along[self.summed]


@dataclass(frozen=True, slots=True)
class Factors:
    """Which operands of a product are its factors, by their position among the op's reads.

    Attributes:
        both: the left and the right factor.
        summand: what is added to the product, or None.
    """

    both: tuple[int, int]
    summand: int | None


def factors_of(op: TensorOp) -> Factors:
    """The factors of a product: the operands that have the axis it sums over."""
    axes = axes_of(op)
    summed, out = set(axes.reduced), op.arguments.get("out")
    both = [i for i, along in enumerate(axes.operands) if summed & {*along}]
    others = [i for i in range(len(axes.operands)) if i not in both and Read(i) != out]
    first, second = both
    return Factors((first, second), others[0] if others else None)


def sides_of(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(rows, cols) of a shape that is one matrix, maybe with dimensions of one before it."""
    if len(shape) < 2 or prod(shape[:-2]) != 1:
        return None
    return shape[-2], shape[-1]


def as_matrix(shape: tuple[int, ...], seen: tuple[int, ...]) -> tuple[int, int] | None:
    """(rows, cols) as which a tensor of ``shape`` is seen, be it transposed; None if it is not.

    Leading dimensions are joined to rows, the others to columns.
    """
    for cut in range(1, len(shape)):
        matrix = prod(shape[:cut]), prod(shape[cut:])
        if seen in (matrix, matrix[::-1]):
            return matrix
    return None


def multiplied_as(shape: tuple[int, ...], ops: Iterable[TensorOp]) -> tuple[int, int] | None:
    """(rows, cols) as which a step takes a parameter of ``shape``; None if it multiplies nothing.

    A tensor of more dimensions is the matrix as which the first product takes it.
    """
    for op in ops:
        if multiplies(op):
            if len(shape) == 2:
                return shape[0], shape[1]
            for seen in op.read_shapes:
                sides = sides_of(seen)
                matrix = None if sides is None else as_matrix(shape, sides)
                if matrix is not None:
                    return matrix
    return None
