"""Which axes of a parameter each dimension of an operand runs along.

A storage of the parameter's own shape says by its strides which axis lies where; a view shows the
same storage by other strides. From there axes follow the ops: what is computed element by element
of a matrix has its axes, what a mean leaves of them has the axes that are left. So rows and columns
of a square matrix are told apart, and a matrix and its transpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from wse_emulator.ops.axes import Axes
from wse_emulator.ops.table import record_of
from wse_emulator.program import Parameter, StepProgram, TensorOp, contiguous_strides

Along = tuple[int, ...]
"""Axes of the parameter, outermost first; several for joined dimensions, none for one element."""


@dataclass(frozen=True, slots=True)
class _Leg:
    """A stride of a storage: so many elements follow one another along axes of the parameter."""

    stride: int
    size: int
    along: Along


class ParameterAxes:
    """The axes of one parameter, as far as they can be followed through its step."""

    def __init__(
        self, program: StepProgram, parameter: Parameter, ops: Sequence[TensorOp] | None = None
    ) -> None:
        self._program = program
        self._parameter = parameter
        self._ops = program.ops_of(parameter.index) if ops is None else ops
        self._axes: dict[int, Axes] = {}
        self._legs: dict[int, tuple[_Leg, ...]] = {}
        self._followed = False

    @cached_property
    def turned(self) -> bool:
        """Whether an op of the step sees a tensor in another order than it is stored in."""
        return not all(_in_order(op.read_strides) for op in self._ops)

    def operand(self, op: TensorOp, position: int) -> tuple[Along | None, ...]:
        """For each dimension of a tensor read: axes of the parameter, None if not known."""
        value = op.reads[position]
        legs = self._legs_of(value)
        shape, strides = op.read_shapes[position], op.strides_of(position)
        if legs is None:
            return tuple(() if size == 1 else None for size in shape)
        return tuple(_walked(legs, *leg) for leg in zip(shape, strides, strict=True))

    def iterated(self, op: TensorOp) -> tuple[Along | None, ...]:
        """For each iteration axis of an op: axes of the parameter, None if not known."""
        axes = self._axes_of(op)
        return () if axes is None else self._labels(op, axes)

    def result(self, op: TensorOp) -> tuple[Along | None, ...]:
        """For each dimension of the result."""
        axes = self._axes_of(op)
        if axes is None:
            return tuple(() if size == 1 else None for size in op.shape)
        labels = self._labels(op, axes)
        return tuple(() if axis is None else labels[axis] for axis in axes.result)

    def of_value(self, value: int) -> frozenset[int] | None:
        """All axes that a storage has, None if they are not known."""
        legs = self._legs_of(value)
        return None if legs is None else frozenset(a for leg in legs for a in leg.along)

    def transposes(self, op: TensorOp) -> bool:
        """Whether an op joins elements that lie at different places: a matrix and its transpose."""
        axes = self._axes_of(op)
        if axes is None:
            return False
        seen: dict[int, Along] = {}
        return any(seen.setdefault(axis, label) != label for axis, label in self._known(op, axes))

    def _axes_of(self, op: TensorOp) -> Axes | None:
        known = self._axes.get(op.index)
        if known is None:
            record = record_of(op.name)
            if record is None:
                return None
            known = self._axes[op.index] = record.axes.read(op)
        return known

    def _known(self, op: TensorOp, axes: Axes) -> Iterator[tuple[int, Along]]:
        """Iteration axes with what operands say of them."""
        for position, dimensions in enumerate(axes.operands):
            for axis, label in zip(dimensions, self.operand(op, position), strict=True):
                if axis is not None and label:
                    yield axis, label

    def _labels(self, op: TensorOp, axes: Axes) -> tuple[Along | None, ...]:
        found: dict[int, Along] = {}
        for axis, label in self._known(op, axes):
            found.setdefault(axis, label)
        return tuple(() if size == 1 else found.get(axis) for axis, size in enumerate(axes.sizes))

    def _follow_all(self) -> None:
        """Follow axes through the step, when they are first asked for: most steps never ask."""
        self._followed = True
        before = -1
        while len(self._legs) > before:  # what a later op tells of a value, earlier ones can use
            before = len(self._legs)
            for op in self._ops:
                self._follow(op)

    def _follow(self, op: TensorOp) -> None:
        """Give axes to the values of an op that have none yet."""
        axes = self._axes_of(op)
        if axes is None:
            return
        unknown = [i for i in (*op.reads, *op.writes) if self._legs_of(i) is None]
        if not unknown:
            return
        labels = self._labels(op, axes)
        for position, value in enumerate(op.reads):
            if value in unknown:
                self._learn(
                    value,
                    op.read_shapes[position],
                    op.strides_of(position),
                    [() if axis is None else labels[axis] for axis in axes.operands[position]],
                )
        for value in op.writes:
            if value in unknown:
                held = self._program.values[value]
                whole = held.shape == op.shape and held.strides is not None
                strides = held.strides if whole else None
                self._learn(
                    value,
                    op.shape,
                    contiguous_strides(op.shape) if strides is None else strides,
                    [() if axis is None else labels[axis] for axis in axes.result],
                )

    def _learn(
        self,
        value: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        labels: Sequence[Along | None],
    ) -> None:
        if value in self._legs:
            return
        legs = []
        elements = 1
        for size, stride, label in zip(shape, strides, labels, strict=True):
            if size == 1 or stride == 0:
                continue
            if not label:
                return
            elements *= size
            legs.append(_Leg(stride, size, label))
        if elements == self._program.values[value].numel:
            self._legs[value] = tuple(legs)

    def _legs_of(self, value: int) -> tuple[_Leg, ...] | None:
        if not self._followed:
            self._follow_all()
        known = self._legs.get(value)
        if known is not None:
            return known
        held = self._program.values[value]
        if held.numel == 1:
            return ()
        shape = self._parameter.shape
        if held.parameter != self._parameter.index or held.shape != shape or held.is_temporary:
            return None
        strides = contiguous_strides(shape) if held.strides is None else held.strides
        return tuple(
            _Leg(stride, size, (axis,))
            for axis, (size, stride) in enumerate(zip(shape, strides, strict=True))
            if size > 1
        )


@lru_cache(maxsize=4096)
def _in_order(strides: tuple[tuple[int, ...], ...]) -> bool:
    return all(list(each) == sorted(each, reverse=True) for each in strides)


def _walked(legs: Sequence[_Leg], size: int, stride: int) -> Along | None:
    """Axes along which ``size`` elements ``stride`` apart lie in a storage; None: none whole."""
    if size == 1 or stride == 0:
        return ()
    at = {leg.stride: leg for leg in legs}
    along: Along = ()
    walked = 1
    while walked < size:
        leg = at.get(stride)
        if leg is None:
            return None
        along = leg.along + along
        walked *= leg.size
        stride *= leg.size
    return along if walked == size else None
