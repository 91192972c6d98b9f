"""The step program: what capture yields and everything after it reads.

A program is a static list of tensor ops in the order in which ``step()`` issued them, over a
table of values (one per storage). It holds shapes and names, never data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        strides: of that tensor, in elements; None: row-major without gaps.
    """

    index: int
    name: str
    kind: ValueKind
    parameter: int | None
    shape: tuple[int, ...]
    dtype: str
    strides: tuple[int, ...] | None = None

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def is_temporary(self) -> bool:
        """Whether it is made and dropped inside the step."""
        return self.kind is ValueKind.TEMPORARY


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a row-major tensor without gaps, in elements.

    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(prod(shape[place + 1 :]) for place in range(len(shape)))


Scalar = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Read:
    """A tensor among an op's arguments: its position in ``TensorOp.reads``."""

    position: int


Argument = Scalar | Read | tuple["Argument", ...]
"""A Python value, a tensor, or a list of them."""


class Arguments(Mapping[str, Argument]):
    """An op's arguments by the names of its schema, in its order, defaults filled in.

    >>> arguments = Arguments({"self": Read(0), "dim": (-1,), "keepdim": False})
    >>> arguments["dim"], arguments.get("correction")
    ((-1,), None)
    """

    __slots__ = ("_hash", "_names", "_values")

    def __init__(self, held: Mapping[str, Argument] | None = None) -> None:
        self._names = tuple(held or ())
        self._values = tuple((held or {}).values())
        self._hash: int | None = None

    @classmethod
    def of(cls, names: tuple[str, ...], values: tuple[Argument, ...]) -> Arguments:
        """Arguments from names, which many ops share, and values in the same order."""
        made = cls()
        made._names, made._values = names, values
        return made

    def __getitem__(self, name: str) -> Argument:
        if name not in self._names:
            raise KeyError(name)
        return self._values[self._names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Arguments)
            and self._names == other._names
            and self._values == other._values
        )

    def __hash__(self) -> int:
        if self._hash is None:  # asked again and again where costs are kept by it
            self._hash = hash((self._names, self._values))
        return self._hash

    def __repr__(self) -> str:
        return f"Arguments({dict(self)!r})"

    def scalars(self) -> tuple[Scalar, ...]:
        """The Python values among the arguments, lists laid open, in order."""
        return tuple(_scalars_of(self._values))


def _scalars_of(argument: Argument) -> Iterator[Scalar]:
    if isinstance(argument, tuple):
        for item in argument:
            yield from _scalars_of(item)
    elif not isinstance(argument, Read):
        yield argument


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
        arguments: all arguments by name; a tensor is the position of its value in ``reads``.
        read_shapes: shape of each tensor argument as passed (a view's own shape), as ``reads``.
        read_strides: strides of each, in elements; empty: row-major without gaps.
        read_offsets: where each begins in its value, in elements; empty: at its start.
        read_dtypes: dtype of each tensor argument as passed; empty: each that of its value.
        where: ``file.py:12`` of the optimizer's code that issues it; empty if that is not known.
    """

    index: int
    name: str
    owner: int | None
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    arguments: Arguments
    read_shapes: tuple[tuple[int, ...], ...]
    read_strides: tuple[tuple[int, ...], ...] = ()
    read_offsets: tuple[int, ...] = ()
    read_dtypes: tuple[str, ...] = field(default=(), compare=False)
    where: str = field(default="", compare=False)

    def strides_of(self, position: int) -> tuple[int, ...]:
        """Strides of the tensor argument at a position of ``reads``, in elements."""
        if self.read_strides:
            return self.read_strides[position]
        return contiguous_strides(self.read_shapes[position])

    def offset_of(self, position: int) -> int:
        """Where the tensor argument at a position of ``reads`` begins in its storage."""
        return self.read_offsets[position] if self.read_offsets else 0

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
