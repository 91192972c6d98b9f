"""The step program: what capture yields and everything after it reads.

A program is a static list of tensor ops in the order in which ``step()`` issued them, over a
table of values (one per storage). It holds shapes and names, never data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from math import prod


class ValueKind(Enum):
    """What a storage is to the step."""

    PARAMETER = "parameter"
    GRADIENT = "gradient"
    STATE = "state"  # declared optimizer state, lives from step to step
    RATE = "rate"  # a learning-rate cell, written on the controller, read in regions
    SCHEDULE = "schedule"  # state of the scheduler, on the controller
    CONSTANT = "constant"  # read only, known before the step
    TEMPORARY = "temporary"  # made and dropped inside the step


@dataclass(frozen=True, slots=True)
class Value:
    """One storage: all tensors and views that share memory are one value.

    Attributes:
        index: position in ``StepProgram.values``.
        name: ``h.0.w``, ``h.0.w.grad``, ``h.0.w.exp_avg``, ``lr[0]``, ``%12`` for temporaries.
        kind: what it is to the step.
        parameter: index of the owning parameter, or None (controller).
        shape: shape of the tensor that first showed the storage.
        dtype: torch's name without the prefix: ``float32``.
    """

    index: int
    name: str
    kind: ValueKind
    parameter: int | None
    shape: tuple[int, ...]
    dtype: str

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.shape)


Scalar = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class TensorOp:
    """One dispatched tensor op.

    Attributes:
        index: position in ``StepProgram.ops``.
        name: overload name as dispatched: ``aten.addcdiv_.default``.
        owner: parameter whose step issues the op, or None for the controller
            (learning rate) and for ops over several parameters (global norm).
        reads: indices of the values read, in argument order.
        writes: indices of the values written.
        shape: shape of the op's result (for an in-place op, of the tensor written).
        dtype: dtype of the result.
        scalars: Python numbers, flags and strings among the arguments, in order.
        read_shapes: shape of each tensor argument as passed (a view's own shape), as ``reads``.
    """

    index: int
    name: str
    owner: int | None
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    scalars: tuple[Scalar, ...]
    read_shapes: tuple[tuple[int, ...], ...]

    @property
    def base_name(self) -> str:
        """The op without namespace, overload and in-place underscore: ``addcdiv``."""
        return self.name.split(".")[1].rstrip("_")

    @property
    def numel(self) -> int:
        """Number of result elements."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the program knows it."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    group: int
    has_gradient: bool

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class StepProgram:
    """One optimizer step with its learning-rate update.

    Attributes:
        optimizer: class name of the optimizer.
        scheduler: class name of the scheduler, or None.
        parameters: all parameters, in group order.
        values: all storages; ``values[i].index == i``.
        ops: all ops; those of the schedule come first.
        schedule_ops: how many leading ops compute the learning rate.
        alike: for each parameter, the first one whose step differs from its own in names alone;
            empty if that is not known.
    """

    optimizer: str
    scheduler: str | None
    parameters: tuple[Parameter, ...]
    values: tuple[Value, ...]
    ops: tuple[TensorOp, ...]
    schedule_ops: int = 0
    alike: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def first_alike(self, parameter: int) -> int:
        """The first parameter known to have a step like that of ``parameter``, or itself."""
        return self.alike[parameter] if self.alike else parameter

    def ops_of(self, owner: int | None) -> tuple[TensorOp, ...]:
        """Ops that parameter ``owner`` issues (None: the controller), in program order."""
        return self._by_owner.get(owner, ())

    @cached_property
    def _by_owner(self) -> dict[int | None, tuple[TensorOp, ...]]:
        found: dict[int | None, list[TensorOp]] = {}
        for op in self.ops:
            found.setdefault(op.owner, []).append(op)
        return {owner: tuple(ops) for owner, ops in found.items()}

    @property
    def total_elements(self) -> int:
        """Number of parameter elements over all tensors."""
        return sum(p.numel for p in self.parameters)
