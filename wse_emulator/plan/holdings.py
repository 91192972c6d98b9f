"""What lies beside each parameter: gradient and state, as bytes per element and bytes per PE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Final, Literal

from wse_emulator.ops.contractions import Block
from wse_emulator.ops.parameter_axes import ParameterAxes
from wse_emulator.ops.spaces import matrices_beside
from wse_emulator.ops.stacks import stack_height, statistic_of
from wse_emulator.program import Parameter, StepProgram, Value, ValueKind
from wse_emulator.request import AS_CAPTURED, Precision
from wse_emulator.wafer.formats import BYTES

Category = Literal["weights", "gradients", "optimizer_state"]
STORED: Final[tuple[Category, ...]] = ("weights", "gradients", "optimizer_state")
KINDS: Final[Mapping[ValueKind, Category]] = {
    ValueKind.PARAMETER: "weights",
    ValueKind.GRADIENT: "gradients",
    ValueKind.STATE: "optimizer_state",
}

Form = Literal["rows", "cols", "spread"]


@dataclass(frozen=True, slots=True)
class OtherState:
    """State of another size than its parameter's.

    Attributes:
        form: ``rows``: one element a row of the matrix, held by every PE that holds a part of
            the row; ``cols``: the same for columns; a block: a matrix that the step multiplies,
            in blocks on the PEs of the parameter's; ``spread``: over all PEs of the region.
        elements: number of elements.
        item_bytes: bytes an element.
        per_matrix: elements a matrix of a tensor of stacked matrices; 0 if they are not kept apart.
    """

    form: Form | Block
    elements: int
    item_bytes: int
    per_matrix: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """All that is stored on the wafer for one parameter from step to step.

    Attributes:
        element_bytes: category -> bytes an element that is never left out.
        sparse_bytes: category -> bytes an element of storages that a sparse parameter keeps
            only where it is not masked (weights, gradients, states that shrink with it).
        holder_bytes: bytes in every PE that holds an element: 0-dim state, replicated.
        others: state of other sizes.
        shared: indices of the program's shared 0-dim values that its ops read (rates).
        has_master: whether ``sparse_bytes`` counts weights in two dtypes.
    """

    parameter: int
    element_bytes: Mapping[Category, int]
    sparse_bytes: Mapping[Category, int]
    holder_bytes: int
    others: tuple[OtherState, ...] = ()
    shared: frozenset[int] = field(default_factory=frozenset)

    @property
    def bytes_per_element(self) -> int:
        """Bytes of all storages of the parameter's size, an element."""
        return sum(self.element_bytes.values()) + sum(self.sparse_bytes.values())


def holdings(
    program: StepProgram,
    precision: Precision = AS_CAPTURED,
    sparse_states: Mapping[int, frozenset[str]] | None = None,
) -> tuple[Holding, ...]:
    """One holding a parameter, from the captured values.

    Args:
        program: the captured step.
        precision: dtypes of the stored parts.
        sparse_states: parameter index -> names of the states that shrink with it; a parameter
            that is not in it is dense.
    """
    sparse_states = sparse_states or {}
    owned: list[list[Value]] = [[] for _ in program.parameters]
    for value in program.values:
        if value.parameter is not None and value.kind in KINDS:
            owned[value.parameter].append(value)
    shared: list[set[int]] = [set() for _ in program.parameters]
    shared_values = {v.index for v in program.values if v.kind is ValueKind.RATE}
    for op in program.ops:
        if op.owner is not None:
            shared[op.owner].update(shared_values.intersection(op.reads))
    beside: dict[int, dict[str, Block]] = {}
    for first in {program.first_alike(p.index): p for p in program.parameters}:
        beside[first] = _states_beside(program, program.parameters[first])
    return tuple(
        _holding(
            program,
            parameter,
            owned[parameter.index],
            precision,
            sparse_states.get(parameter.index),
            frozenset(shared[parameter.index]),
            beside[program.first_alike(parameter.index)],
        )
        for parameter in program.parameters
    )


def _holding(
    program: StepProgram,
    parameter: Parameter,
    values: list[Value],
    precision: Precision,
    sparse: frozenset[str] | None,
    shared: frozenset[int],
    beside: Mapping[str, Block],
) -> Holding:
    element: dict[Category, int] = dict.fromkeys(STORED, 0)
    masked: dict[Category, int] = dict.fromkeys(STORED, 0)
    holder = 0
    others = []
    for value in values:
        category = KINDS[value.kind]
        block = beside.get(state_name(value, parameter))
        if block is not None:
            item_bytes = BYTES[_dtype(value, precision)]
            others.append(OtherState(block, value.numel, item_bytes))
        elif value.numel == parameter.numel:
            shrinks = sparse is not None and (
                value.kind is not ValueKind.STATE or state_name(value, parameter) in sparse
            )
            target = masked if shrinks else element
            target[category] += BYTES[_dtype(value, precision)]
        elif value.numel == 1:
            holder += BYTES[value.dtype]
        else:
            item_bytes = BYTES[_dtype(value, precision)]
            apart = statistic_of(value.shape, parameter.shape) is not None
            per_matrix = value.numel // stack_height(parameter.shape) if apart else 0
            form = _form(program, value, parameter)
            others.append(OtherState(form, value.numel, item_bytes, per_matrix))
    copy = precision.copy_bytes(parameter.dtype)
    (element if sparse is None else masked)["weights"] += copy
    return Holding(parameter.index, element, masked, holder, tuple(others), shared)


def _states_beside(program: StepProgram, parameter: Parameter) -> dict[str, Block]:
    """State's name -> how it lies, for the states that a step multiplies as other matrices."""
    reader = matrices_beside(program, parameter)
    return {
        state_name(program.values[index], parameter): block
        for index, block in (reader.blocks if reader else {}).items()
        if program.values[index].kind is ValueKind.STATE
    }


def state_name(value: Value, parameter: Parameter) -> str:
    """``exp_avg`` of ``h.0.w.exp_avg``."""
    return value.name.removeprefix(f"{parameter.name}.")


def _dtype(value: Value, precision: Precision) -> str:
    wanted = {
        ValueKind.PARAMETER: precision.parameter,
        ValueKind.GRADIENT: precision.gradient,
        ValueKind.STATE: precision.state,
    }[value.kind]
    return wanted if wanted is not None and "float" in value.dtype else value.dtype


def _form(program: StepProgram, value: Value, parameter: Parameter) -> Form:
    """Row and column statistics are told apart by shape, for square matrices by what fills them."""
    if len(parameter.shape) < 2:
        return "spread"
    rows, cols = prod(parameter.shape[:-1]), parameter.shape[-1]
    is_rows, is_cols = value.numel == rows, value.numel == cols
    if is_rows and is_cols:
        along = ParameterAxes(program, parameter).of_value(value.index)
        return "cols" if along == frozenset({len(parameter.shape) - 1}) else "rows"
    if is_rows:
        return "rows"
    return "cols" if is_cols else "spread"


def load_per_element(program: StepProgram, held: tuple[Holding, ...]) -> list[Fraction]:
    """Bytes on the wafer for each element of each parameter: what placement balances by."""
    return [
        Fraction(holding.bytes_per_element)
        + Fraction(
            sum(other.elements * other.item_bytes for other in holding.others),
            max(1, parameter.numel),
        )
        for parameter, holding in zip(program.parameters, held, strict=True)
    ]


def controller_values(program: StepProgram) -> Iterator[Value]:
    """Values that live on the controller: rates, the schedule's state, shared step counters."""
    stored = (ValueKind.RATE, ValueKind.SCHEDULE, ValueKind.STATE)
    return (v for v in program.values if v.parameter is None and v.kind in stored)
