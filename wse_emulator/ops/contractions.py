"""Products of matrices that PEs carry out on blocks, with nothing transposed on the way.

A matrix X lies in blocks on a rectangle of PEs, and so does a matrix of the order of X's shorter
side, made from X times its own transpose: a Gram matrix. Row j of X lies where every column of
PEs needs its part of it; sent along the columns and multiplied with each block, it gives partial
sums of row j of the Gram matrix, which add up along the rows. A symmetric matrix times X is the
mirror image. General products would need a transposition over the fabric and are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

from wse_emulator.activities import Axis
from wse_emulator.ops.table import axes_of, multiplies
from wse_emulator.program import Read, TensorOp

Extent = Literal["rows", "cols", "gram_rows", "gram_cols"]
"""A side of what one PE holds: of its block of the matrix, or of the Gram matrix."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the PEs of a rectangle carry it out, in panels of some lines at a time.

    Attributes:
        lines: rows of the result that are made one after another: the order of the Gram matrix.
        axis: along which lines of PEs a panel is sent; partial sums add up along the others.
        sent: elements of a panel's line that reach one PE.
        made: elements of a line of partial sums on one PE.
        adds: what is added at the end where it lies (``addmm``): the PE's block of the matrix,
            or of the Gram matrix; None for a plain product.
    """

    lines: int
    axis: Axis
    sent: Extent
    made: Extent
    adds: Literal["block", "gram"] | None = None


class ProductReader:
    """Reads the products of one parameter's step, in order, and keeps what they made.

    Attributes:
        matrix: (rows, cols) as which the parameter is multiplied; None before the first product.
        symmetric: Gram matrices and what elementwise ops made of them, by value index; False for
            a product of two different ones, whose transpose is another matrix.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.matrix: tuple[int, int] | None = None
        self.symmetric: dict[int, bool] = {}

    @property
    def order(self) -> int:
        """Rows of the Gram matrix; 0 before there is one."""
        return 0 if self.matrix is None else min(self.matrix)

    def holds_gram(self, value: int, shape: tuple[int, ...]) -> bool:
        """Whether an operand is a whole matrix of the Gram matrix's blocks."""
        return value in self.symmetric and shape == (self.order, self.order)

    def read(self, op: TensorOp) -> tuple[Product, bool]:
        """The product, and whether its result is a matrix of the Gram matrix's order.

        Raises:
            GeneralProductError: it needs a transposition over the fabric, or is of another kind.
        """
        factors = factors_of(op)
        added = factors.summand is not None
        if len(op.shape) != 2 or any(len(op.read_shapes[i]) != 2 for i in factors.both):
            raise GeneralProductError("multiplies stacked matrices, or a matrix by a vector")
        first, second = (op.reads[position] for position in factors.both)
        left, right = (op.read_shapes[position] for position in factors.both)
        grams = self.holds_gram(first, left), self.holds_gram(second, right)
        if grams == (False, False):
            return self._gram(op, factors)
        assert self.matrix is not None  # a Gram matrix was made of it
        rows, cols = self.matrix
        wide = rows <= cols
        if grams == (True, True):
            if not self.symmetric[second]:
                raise GeneralProductError("multiplies by a matrix that need not be symmetric")
            same = first == second and (not added or self.symmetric.get(op.reads[0], False))
            self._keep(op, same)
            return self._makes_gram("gram", added=added), True
        gram, other = (first, right) if grams[0] else (second, left)
        if not self.symmetric[gram]:
            raise GeneralProductError("multiplies by a matrix that need not be symmetric")
        if other not in ((rows, cols), (cols, rows)):
            raise GeneralProductError(f"multiplies a matrix {list(other)} by a Gram matrix")
        return Product(
            self.order,
            "row" if wide else "column",
            sent="rows" if wide else "cols",
            made="cols" if wide else "rows",
            adds="block" if added else None,
        ), False

    def note(self, op: TensorOp) -> bool:
        """Keep what an elementwise op makes of Gram matrices; whether it makes such a matrix."""
        grams = [
            index
            for index, shape in zip(op.reads, op.read_shapes, strict=True)
            if self.holds_gram(index, shape)
        ]
        if not grams or op.shape != (self.order, self.order):
            return False
        self._keep(op, all(self.symmetric[index] for index in grams))
        return True

    def _gram(self, op: TensorOp, factors: Factors) -> tuple[Product, bool]:
        first, second = factors.both
        added = factors.summand is not None
        left = op.read_shapes[first]
        matrix = as_matrix(self.shape, left)
        if matrix is None or not seen_transposed(op, first, second):
            raise GeneralProductError("multiplies two different matrices spread over many PEs")
        if left[0] > left[1]:
            raise GeneralProductError(
                f"makes a product of order {left[0]}, the longer side of the matrix"
            )
        if self.matrix not in (None, matrix):
            raise GeneralProductError("takes the parameter as matrices of two shapes")
        self.matrix = matrix
        self._keep(op, not added or self.symmetric.get(op.reads[0], False))
        return self._makes_gram("block", added=added), True

    def _makes_gram(self, of: Literal["block", "gram"], *, added: bool) -> Product:
        """Lines of the matrix, or of its Gram matrix, times the same blocks transposed."""
        assert self.matrix is not None
        wide = self.matrix[0] <= self.matrix[1]
        sent: dict[str, tuple[Extent, Extent]] = {
            "block": ("cols", "rows"),
            "gram": ("gram_cols", "gram_rows"),
        }
        return Product(
            self.order,
            "column" if wide else "row",
            sent=sent[of][0 if wide else 1],
            made="rows" if wide else "cols",
            adds="gram" if added else None,
        )

    def _keep(self, op: TensorOp, symmetric: bool) -> None:
        self.symmetric |= dict.fromkeys(op.writes, symmetric)


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


def seen_transposed(op: TensorOp, first: int, second: int) -> bool:
    """Whether two operands are one matrix and its transpose: the same elements, axes exchanged."""
    return (
        op.reads[first] == op.reads[second]
        and op.read_shapes[first] == op.read_shapes[second][::-1]
        and op.strides_of(first) == op.strides_of(second)[::-1]
        and op.offset_of(first) == op.offset_of(second)
    )


class GeneralProductError(Exception):
    """A product that is none of the three forms; becomes an error that names op and parameter."""


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
    """(rows, cols) as which the first product of a step takes a parameter of ``shape``."""
    for op in ops:
        if multiplies(op):
            return as_matrix(shape, op.read_shapes[factors_of(op).both[0]])
    return None
