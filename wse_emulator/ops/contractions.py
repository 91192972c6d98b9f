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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final, Literal

from wse_emulator.activities import Axis
from wse_emulator.ops.parameter_axes import ParameterAxes
from wse_emulator.ops.table import axes_of, multiplies
from wse_emulator.program import Parameter, Read, StepProgram, TensorOp, contiguous_strides

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


class GeneralProductError(Exception):
    """A product that PEs cannot carry out; becomes an error that names op and parameter."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """A matrix as it was made, or as an op sees it.

    Attributes:
        sides: its lengths, first axis first.
        upright: whether its first axis is cut over the rows of PEs.
        symmetric: it is known to be its own transpose, so that it lies both ways.
    """

    sides: tuple[int, int]
    upright: bool = True
    symmetric: bool = False

    def lies(self, *, upright: bool) -> bool:
        return self.symmetric or self.upright == upright


@dataclass(frozen=True, slots=True)
class _Form:
    """One row of the table above: needed orientations, and what comes out."""

    left_upright: bool
    right_upright: bool
    upright: bool
    stays: Literal["left", "right", "result"]
    summed: Role


_FORMS: Final = (
    _Form(True, False, True, "left", "across"),
    _Form(False, True, True, "right", "down"),
    _Form(True, False, False, "right", "across"),
    _Form(False, True, False, "left", "down"),
    _Form(True, True, True, "result", "rounds"),
    _Form(False, False, False, "result", "rounds"),
)


class ProductReader:
    """Reads the products of one parameter's step, in order, and keeps where matrices lie.

    Args:
        program: the captured step.
        parameter: whose ops are read.
        axes: of the parameter, as far as they can be followed.

    Attributes:
        matrix: (rows, cols) as which the parameter is multiplied; None if nothing is.
        down, across: lengths that are cut over the rows and over the columns of PEs, those of the
            parameter's own matrix first.
        blocks: value index -> how the matrix lies, for all that lie beside the parameter's.
    """

    def __init__(self, program: StepProgram, parameter: Parameter, axes: ParameterAxes) -> None:
        ops = program.ops_of(parameter.index)
        self.matrix = multiplied_as(parameter.shape, ops)
        rows, cols = self.matrix or (0, 0)
        self.down = [rows]
        self.across = [cols]
        self.blocks: dict[int, Block] = {}
        self._laid: dict[int, _Laid] = {}
        self._values = program.values
        self._axes = axes
        self._row_axes = _leading(parameter.shape, rows)
        self._multiplied = {index for op in ops if multiplies(op) for index in op.reads}

    @property
    def further(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Lengths cut over the rows and over the columns of PEs beside the parameter's own."""
        return tuple(self.down[1:]), tuple(self.across[1:])

    def block(self, op: TensorOp, position: int) -> Block | None:
        """How an operand lies, if it is a matrix beside the parameter's."""
        index = op.reads[position]
        sides = _sides(op.read_shapes[position])
        if sides is None or self.matrix is None:
            return None
        known = self._laid.get(index)
        if known is None:
            stored = _sides(self._values[index].shape)
            if stored in (sides, sides[::-1]) and self._is_beside(index, sides):
                turned = sides != stored or _is_turned(sides, op.strides_of(position))
                return self._keep_one(index, _Laid(sides, upright=not turned))
        elif sides not in (known.sides, known.sides[::-1]):
            return None
        return self.blocks.get(index)

    def _is_beside(self, value: int, sides: tuple[int, int]) -> bool:
        """Whether it is neither the parameter's own matrix, nor a statistic of it, nor a number."""
        assert self.matrix is not None
        rows, cols = self.matrix
        if prod(sides) == rows * cols:
            return False
        if prod(sides) == 1:
            return value in self._multiplied
        return sides not in ((rows, 1), (1, cols))

    def fresh(self, op: TensorOp) -> Block | None:
        """How a matrix lies that an op makes out of nothing, if that is beside the parameter's."""
        sides = _sides(op.shape)
        if sides is None or self.matrix is None or not self._is_beside(op.writes[0], sides):
            return None
        return self._keep(op, _Laid(sides))

    def read(
        self, op: TensorOp, vectors: Sequence[Side | None]
    ) -> tuple[Product, Block | Side | None]:
        """The product, and how its result lies.

        That is in blocks, as a vector along one side, or (None) as the parameter.

        Args:
            op: a product.
            vectors: for each operand the side along which it lies, if it is a vector.

        Raises:
            GeneralProductError: PEs cannot carry it out.
        """
        factors = factors_of(op)
        first, second = factors.both
        if any(len(op.read_shapes[i]) > 1 and not _sides(op.read_shapes[i]) for i in factors.both):
            raise GeneralProductError("multiplies stacked matrices")
        if any(prod(op.read_shapes[i]) != self._values[op.reads[i]].numel for i in factors.both):
            raise GeneralProductError("multiplies a part of a larger tensor")
        if self.matrix is None:
            raise GeneralProductError("multiplies matrices of which none is the parameter's own")
        if vectors[first] or vectors[second] or len(op.read_shapes[second]) == 1:
            return self._with_vectors(op, factors, vectors)
        left, right = self._seen(op, first), self._seen(op, second)
        itself = op.reads[first] == op.reads[second]
        if left.sides[1] != right.sides[0]:
            raise GeneralProductError("takes the parameter as matrices of two shapes")
        symmetric = itself and (left.symmetric or left.upright != right.upright)
        summand = None if factors.summand is None else self._seen(op, factors.summand)
        form = self._form(left, right, summand)
        if summand and not summand.lies(upright=form.upright):
            raise GeneralProductError("adds a matrix that lies in other blocks than the product")
        sides = left.sides[0], right.sides[1]
        made = _Laid(sides, form.upright, symmetric and (summand is None or summand.symmetric))
        stays = {
            "left": replace(left, upright=form.left_upright),
            "right": replace(right, upright=form.right_upright),
            "result": made,
        }
        lines = {"left": sides[1], "right": sides[0], "result": left.sides[1]}
        if all(self.matrix) and not all(lines.values()):
            raise GeneralProductError("multiplies a matrix without elements")
        product = Product(
            lines=lines[form.stays],
            summed=form.summed,
            stays=self._number(stays[form.stays]),
            made=self._number(made),
            adds=summand is not None,
        )
        where = self._keep(op, made)
        return product, None if where == OWN else where

    def note(self, op: TensorOp) -> Block | None:
        """Keep what an elementwise op makes of matrices; how that lies, if there are any.

        Raises:
            GeneralProductError: it joins a matrix with the transpose of another.
        """
        sides = _sides(op.shape)
        alike = [
            i
            for i, shape in enumerate(op.read_shapes)
            if _sides(shape) == sides and (op.reads[i] in self._laid or prod(shape) > 1)
        ]
        if sides is None or not any(op.reads[i] in self._laid for i in alike):
            return None
        seen = [self._seen(op, i) for i in alike]
        one_way = {laid.upright for laid in seen if not laid.symmetric}
        if len(one_way) > 1:
            raise GeneralProductError("joins a matrix with the transpose of another")
        upright = one_way.pop() if one_way else True
        return self._keep(op, _Laid(sides, upright, symmetric=all(x.symmetric for x in seen)))

    def _form(self, left: _Laid, right: _Laid, summand: _Laid | None) -> _Form:
        """The form whose result lies as it is wanted, with the fewest and shortest messages."""
        assert self.matrix is not None
        rows, cols = self.matrix
        longer = "across" if rows <= cols else "down"
        sides = left.sides[0], right.sides[1]
        if summand and not summand.symmetric:
            wanted = summand.upright
        elif rows != cols and sides == (cols, rows):
            wanted = False
        elif rows != cols and sides == (rows, cols):
            wanted = True
        elif left.symmetric != right.symmetric:  # it stays as the other one is
            wanted = (right if left.symmetric else left).upright
        else:
            wanted = True
        return min(
            (
                form
                for form in _FORMS
                if left.lies(upright=form.left_upright) and right.lies(upright=form.right_upright)
            ),
            key=lambda f: (f.upright != wanted, f.stays == "result", f.summed != longer),
        )

    def _with_vectors(
        self, op: TensorOp, factors: Factors, vectors: Sequence[Side | None]
    ) -> tuple[Product, Side | None]:
        """A matrix times a vector, a vector times a matrix, or a column times a row."""
        left, right = (vectors[position] for position in factors.both)
        adds = factors.summand is not None
        if left and right:
            if left == right or op.numel == 1:
                raise GeneralProductError("multiplies two vectors along one side of a matrix")
            return Product(lines=1, summed="rounds", vectors=True, adds=adds), None
        position = factors.both[1 if left else 0]
        matrix = self._seen(op, position)
        # left of a matrix, a vector lies along its first axis; right of it, along the second
        along: Side = "down" if matrix.upright == bool(left) else "across"
        if matrix.symmetric:
            along = left or right or along
        line = self.matrix is not None and min(self.matrix) == 1  # as long as the matrix itself
        if ((left or right) != along and not line) or op.reads[position] in self.blocks:
            raise GeneralProductError(
                "multiplies by a vector that does not lie along that side of the matrix"
            )
        product = Product(lines=1, summed=along, vectors=True, returned=True, adds=adds)
        return product, "across" if along == "down" else "down"

    def _seen(self, op: TensorOp, position: int) -> _Laid:
        """An operand as the op sees it."""
        sides = _sides(op.read_shapes[position])
        known = self._laid.get(op.reads[position])
        stored = self.matrix if known is None else known.sides
        if sides is None or stored is None or sides not in (stored, stored[::-1]):
            raise GeneralProductError(
                f"works on a matrix {list(op.read_shapes[position])}, which is neither the "
                "parameter's matrix nor one that lies beside it"
            )
        turned = sides != stored or _is_turned(sides, op.strides_of(position))
        if known is not None:
            return replace(known, sides=sides, upright=known.upright != turned)
        rows = self._axes.operand(op, position)[-2]
        if rows and sides == stored[::-1]:  # a square matrix: its axes tell
            turned = rows[0] >= self._row_axes
        return _Laid(sides, upright=not turned)

    def _number(self, laid: _Laid) -> Block:
        down, across = laid.sides if laid.upright else laid.sides[::-1]
        for length, cuts in ((down, self.down), (across, self.across)):
            if length not in cuts:
                cuts.append(length)
        return Block(self.down.index(down), self.across.index(across))

    def _keep(self, op: TensorOp, made: _Laid) -> Block:
        """Keep how the values lie that an op writes."""
        for index in op.writes:
            held = self._values[index]
            strides = held.strides if held.shape == op.shape else None
            if index in op.reads:
                strides = op.strides_of(op.reads.index(index))
            turned = _is_turned(made.sides, strides or contiguous_strides(op.shape))
            self._keep_one(index, replace(made, upright=made.upright != turned))
        return self._number(made)

    def _keep_one(self, index: int, laid: _Laid) -> Block:
        where = self._number(laid)
        self._laid[index] = laid
        if where != OWN:
            self.blocks[index] = where
        return where


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


def _is_turned(sides: tuple[int, int], strides: tuple[int, ...]) -> bool:
    """Whether a square matrix is seen with its faster axis first; shapes tell of others."""
    return sides[0] == sides[1] and strides[-2] < strides[-1]


def _leading(shape: tuple[int, ...], rows: int) -> int:
    """How many leading dimensions are joined to the rows of the matrix."""
    return next((cut for cut in range(1, len(shape)) if prod(shape[:cut]) == rows), len(shape))


def _sides(shape: tuple[int, ...]) -> tuple[int, int] | None:
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
                sides = _sides(seen)
                matrix = None if sides is None else as_matrix(shape, sides)
                if matrix is not None:
                    return matrix
    return None
