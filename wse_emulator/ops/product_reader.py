"""Reading the products of a parameter's step: where each matrix lies, and which form a product has.

A form is a row of the table in :mod:`wse_emulator.ops.contractions`. How the factors lie leaves one
or a few of them; where there is a choice, the result should lie where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final, Literal

from wse_emulator.ops.contractions import (
    OWN,
    Block,
    Factors,
    Product,
    Role,
    Side,
    factors_of,
    multiplied_as,
    sides_of,
)
from wse_emulator.ops.parameter_axes import ParameterAxes
from wse_emulator.ops.table import axes_of, multiplies
from wse_emulator.program import Parameter, StepProgram, TensorOp, contiguous_strides


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

    def along(self, *, first: bool) -> tuple[Side, ...]:
        """Over what its first or its second axis is cut."""
        ways: tuple[Side, ...] = ("down", "across") if first else ("across", "down")
        return ways if self.symmetric else ways[:1] if self.upright else ways[1:]


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
        sides = sides_of(op.read_shapes[position])
        if sides is None or self.matrix is None:
            return None
        known = self._laid.get(index)
        if known is None:
            stored = sides_of(self._values[index].shape)
            if stored and stored in (sides, sides[::-1]) and self._is_beside(index, sides):
                return self._keep_one(index, _Laid(stored))
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
        sides = sides_of(op.shape)
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
        if any(
            len(op.read_shapes[i]) > 1 and not sides_of(op.read_shapes[i]) for i in factors.both
        ):
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

    def kept(self, op: TensorOp, position: int) -> Side | None:
        """Along which side of the parameter the sums of the lines of a matrix beside it lie.

        None for a sum of all its elements.

        Raises:
            GeneralProductError: along none, so that no PE holds a whole part of the sums.
        """
        axes = axes_of(op)
        left = [axis not in axes.reduced for axis in axes.operands[position][-2:]]
        if left.count(True) != 1 or op.numel == 1:
            return None
        laid = self._seen(op, position)
        for side in laid.along(first=left[0]):
            where = self._number(replace(laid, upright=(side == "down") == left[0]))
            if (where.down if side == "down" else where.across) == 0:
                return side
        raise GeneralProductError(
            "sums the lines of a matrix beside the parameter along a side that the parameter does "
            "not have"
        )

    def note(self, op: TensorOp, vectors: Sequence[Side | None]) -> Block | None:
        """Keep what an elementwise op makes of matrices; how that lies, if there are any.

        Args:
            op: an elementwise op.
            vectors: for each operand the side along which it lies, if it is a vector.

        Raises:
            GeneralProductError: it joins a matrix with the transpose of another, or with a vector
                along its other side.
        """
        sides = sides_of(op.shape)
        alike = [
            i
            for i, shape in enumerate(op.read_shapes)
            if sides_of(shape) == sides and (op.reads[i] in self._laid or prod(shape) > 1)
        ]
        if sides is None or not any(op.reads[i] in self._laid for i in alike):
            return None
        seen = [self._seen(op, i) for i in alike]
        one_way = {laid.upright for laid in seen if not laid.symmetric}
        if len(one_way) > 1:
            raise GeneralProductError("joins a matrix with the transpose of another")
        beside = any(op.reads[i] in self.blocks for i in alike)
        lines = {
            i: side
            for i, side in enumerate(vectors)
            if side is not None and i not in alike and beside
        }
        # a vector (k, 1) lies along the first axis, (1, k) and (k,) along the second
        one_way |= {
            (side == "down") == (len(op.read_shapes[i]) > 1 and op.read_shapes[i][-1] == 1)
            for i, side in lines.items()
        }
        upright = one_way.pop() if one_way else True
        symmetric = not lines and all(x.symmetric for x in seen)
        where = self._number(_Laid(sides, upright))
        own = {"down": where.down == 0, "across": where.across == 0}
        if one_way or not all(own[side] for side in lines.values()):
            raise GeneralProductError("joins a matrix with a vector along its other side")
        return self._keep(op, _Laid(sides, upright, symmetric))

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
        sides = sides_of(op.read_shapes[position])
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
        """Remember the layout of the values that an op writes."""
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


def _is_turned(sides: tuple[int, int], strides: tuple[int, ...]) -> bool:
    """Whether a square matrix is seen with its faster axis first; shapes tell of others."""
    return sides[0] == sides[1] and strides[-2] < strides[-1]


def _leading(shape: tuple[int, ...], rows: int) -> int:
    """How many leading dimensions are joined to the rows of the matrix."""
    return next((cut for cut in range(1, len(shape)) if prod(shape[:cut]) == rows), len(shape))
