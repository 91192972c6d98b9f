"""Iteration axes of an op, and which of them each dimension of its tensors runs along.

An op is a loop nest: an addition of two matrices loops over rows and columns, a product of
matrices over the rows of one factor, the columns of the other, and the axis they share. A rule
written once for an op gives the loops of each captured call of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from wse_emulator.program import Argument, Read, TensorOp

Dimensions = tuple[int | None, ...]
"""For each dimension of a tensor, the iteration axis it runs along; None: one element for all."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An axis along which an element of the result depends on elements at other places.

    Attributes:
        axis: the iteration axis.
        shift: from how many places before it an element comes, cyclically; None: from all places
            before it (a scan).
    """

    axis: int
    shift: int | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """The loops of one captured op.

    Attributes:
        sizes: length of each iteration axis; those of the result come first.
        operands: dimensions of each tensor read, by its position in ``TensorOp.reads``.
        result: dimensions of the (first) tensor made.
        ordered: the axis along which elements depend on one another, if there is one.
    """

    sizes: tuple[int, ...]
    operands: tuple[Dimensions, ...]
    result: Dimensions
    ordered: Ordered | None = None

    @property
    def reduced(self) -> tuple[int, ...]:
        """Axes that the result no longer has."""
        return tuple(axis for axis in range(len(self.sizes)) if axis not in self.result)

    @property
    def inner(self) -> int:
        """Elements that are combined into one element of the result; 1 if none are."""
        return prod(self.sizes[axis] for axis in self.reduced)


@dataclass(frozen=True, slots=True)
class AxisRule:
    """How the axes of any call of an op are read from its arguments.

    Attributes:
        text: the rule in words or letters, as the documentation prints it.
        read: gives the axes of one call.
        multiplies: two operands share an axis that the result no longer has, and the result has
            others: a product of matrices, or of a matrix and a vector.
        reduces: one operand has axes that the result no longer has.
        orders: the op has an axis along which elements depend on one another.
    """

    text: str
    read: Callable[[TensorOp], Axes]
    multiplies: bool = False
    reduces: bool = False
    orders: bool = False


def _elementwise(op: TensorOp) -> Axes:
    """One axis a dimension of the result; operands are broadcast from the right."""
    rank = len(op.shape)
    operands = []
    for shape in op.read_shapes:
        missing = rank - len(shape)
        operands.append(
            tuple(
                None
                if place + missing < 0 or size != op.shape[place + missing]
                else place + missing
                for place, size in enumerate(shape)
            )
        )
    return Axes(op.shape, tuple(operands), tuple(range(rank)))


ELEMENTWISE = AxisRule("element by element", _elementwise)
"""Operands are broadcast to the shape of the result."""


def _joined(op: TensorOp) -> Axes:
    """The axes of a concatenation: elementwise, except along the joined dimension."""
    rank = len(op.shape)
    along = _axis(op.arguments.get("dim", 0), rank)
    stacked = any(len(shape) < rank for shape in op.read_shapes)
    others = [axis for axis in range(rank) if axis != along]
    operands = tuple(
        tuple(others)
        if stacked
        else tuple(None if place == along else place for place in range(len(shape)))
        for shape in op.read_shapes
    )
    return Axes(op.shape, operands, tuple(range(rank)))


JOINED = AxisRule("element by element, one tensor after another along `dim`", _joined)


def _reduction(op: TensorOp) -> Axes:
    """The result keeps the axes of the operand that ``dim`` does not name."""
    position = _position(op, "self", "input")
    shape = op.read_shapes[position]
    rank = len(shape)
    named = op.arguments.get("dim")
    dims = named if isinstance(named, tuple) else () if named is None else (named,)
    gone = {_axis(dim, rank) for dim in dims if rank} or set(range(rank))
    kept = [place for place in range(rank) if place not in gone]
    number = {place: axis for axis, place in enumerate((*kept, *sorted(gone)))}
    keep = bool(op.arguments.get("keepdim", False))
    operand = tuple(number[place] for place in range(rank))
    operands: list[Dimensions] = [(None,) * len(other) for other in op.read_shapes]
    operands[position] = operand
    return Axes(
        sizes=tuple(shape[place] for place in number),
        operands=tuple(operands),
        result=tuple(
            None if place in gone else number[place]
            for place in range(rank)
            if keep or place not in gone
        ),
    )


REDUCTION = AxisRule("without the axes in `dim`", _reduction, reduces=True)
"""Sums, means, maxima and norms; all axes if ``dim`` names none."""


def ordered(along: str, shifts: str | None = None) -> AxisRule:
    """Element by element, but each depends on others along the axis that ``along`` names.

    Args:
        along: argument that holds the dimension.
        shifts: argument that says by how many places elements move; None for a scan.
    """

    def read(op: TensorOp) -> Axes:
        axes = _elementwise(op)
        if not op.shape:
            return axes
        axis = _axis(_only(op.arguments[along]), len(op.shape))
        shift = None if shifts is None else _whole(_only(op.arguments[shifts]))
        return replace(axes, ordered=Ordered(axis, shift))

    return AxisRule(f"in order along `{along}`", read, orders=True)


def _only(argument: Argument) -> Argument:
    """The one item of a list, or what is no list."""
    return argument[0] if isinstance(argument, tuple) else argument


def _whole(argument: Argument) -> int:
    if not isinstance(argument, int):
        raise TypeError(f"not a whole number: {argument!r}")
    return argument


def einsum(text: str) -> AxisRule:
    """Operands by name with a letter an axis: ``self ik, mat2 kj -> ij``.

    A dimension of length 1 on an axis that is longer is broadcast, and so are missing leading
    dimensions.
    """
    left, _, result = text.partition("->")
    letters = dict(part.split() for part in left.split(","))
    result = result.strip()
    factors = list(letters.values())
    shared = {axis for axis in "".join(factors) if sum(axis in f for f in factors) > 1}
    order = result + "".join(sorted({*"".join(factors)} - {*result}))
    number = {letter: axis for axis, letter in enumerate(order)}

    def read(op: TensorOp) -> Axes:
        sizes = [1] * len(order)
        operands: list[Dimensions] = [(None,) * len(shape) for shape in op.read_shapes]
        seen: list[tuple[int, str]] = []
        for name, along in letters.items():
            argument = op.arguments[name]
            if not isinstance(argument, Read):
                continue
            shape = op.read_shapes[argument.position]
            seen.append((argument.position, along[len(along) - len(shape) :]))
            for letter, size in zip(seen[-1][1], shape, strict=True):
                if size != 1:
                    sizes[number[letter]] = size
        for position, along in seen:
            operands[position] = tuple(
                None if size != sizes[number[letter]] else number[letter]
                for letter, size in zip(along, op.read_shapes[position], strict=True)
            )
        return Axes(tuple(sizes), tuple(operands), tuple(number[letter] for letter in result))

    gone = shared - {*result}
    return AxisRule(
        f"`{text}`",
        read,
        multiplies=bool(gone and result),
        reduces=bool(gone and not result),
    )


def _fresh(op: TensorOp) -> Axes:
    return Axes(
        op.shape,
        tuple((None,) * len(shape) for shape in op.read_shapes),
        tuple(range(len(op.shape))),
    )


FRESH = AxisRule("made without operands", _fresh)
"""A constant all over the result; a tensor that gives only shape and format is not read."""


def takes_innermost(op: TensorOp, axes: Axes) -> bool:
    """Whether an op reduces, or runs in order along, the axis that lies densest in memory."""
    position = _position(op, "self", "input")
    strides = op.strides_of(position)
    if not strides:
        return True
    # a stride of 0 is a broadcast, which lies nowhere; of equal ones the last is the inner one
    innermost = min(reversed(range(len(strides))), key=lambda place: strides[place] or max(strides))
    axis = axes.operands[position][innermost]
    return axis == axes.ordered.axis if axes.ordered else axis not in axes.result


def _axis(dim: Argument, rank: int) -> int:
    return _whole(dim) % rank if rank else 0


def _position(op: TensorOp, *names: str) -> int:
    for name in names:
        argument = op.arguments.get(name)
        if isinstance(argument, Read):
            return argument.position
    return 0
