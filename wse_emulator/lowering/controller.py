"""Numbers of no parameter: what one PE computes for all, and what travels from it."""

from __future__ import annotations

from collections.abc import Sequence

from wse_emulator.activities import OpChain, VectorOp, Work
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import OpCost, op_cost
from wse_emulator.ops.spaces import accumulators
from wse_emulator.program import StepProgram, TensorOp, Value, ValueKind
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CostedOp = tuple[int, OpCost]
"""(op index, cost)."""


def common_ops(program: StepProgram, barriers: Sequence[int]) -> tuple[tuple[TensorOp, ...], ...]:
    """Ops without owner, by phase: before the first sum over the wafer is read, after it, ...

    An op that only readies an accumulator is left out: every PE clears its own.

    Raises:
        UnknownOpError: an op works on tensors of several parameters at once.
    """
    shared = accumulators(program)
    phases: list[list[TensorOp]] = [[] for _ in range(len(barriers) + 1)]
    for op in program.ops:
        if op.owner is not None or (not op.reads and shared & set(op.writes)):
            continue
        _refuse_if_foreach(program, op)
        phases[sum(barrier <= op.index for barrier in barriers)].append(op)
    return tuple(tuple(phase) for phase in phases)


def costed(ops: Sequence[TensorOp], program: StepProgram, spec: WaferSpec) -> tuple[CostedOp, ...]:
    """Each op with its cost on one PE."""
    return tuple((op.index, op_cost(op, program, op.numel, spec)) for op in ops)


def work_on(pe: tuple[int, int], ops: Sequence[CostedOp], name: str) -> list[Work]:
    """The scalar ops as work of one PE; nothing if there are none."""
    if not ops:
        return []
    chain = OpChain(
        ops=tuple(VectorOp(op=index, strip_cycles=cost.cycles, once=True) for index, cost in ops)
    )
    return [Work(name=name, region=Region(*pe, 1, 1), chains=(chain,), runs=((1, 0),))]


def values_sent(program: StepProgram, made_by: Sequence[TensorOp]) -> list[Value]:
    """Numbers that some parameter's op reads and these ops make, or that stand from the start.

    Rates and schedule state are sent with the first phase, even if no op of the step wrote them:
    the host put them there.
    """
    made = {index for op in made_by for index in op.writes}
    shared = accumulators(program)
    wanted: dict[int, Value] = {}
    for op in program.ops:
        if op.owner is None:
            continue
        for index in op.reads:
            value = program.values[index]
            if index in made and value.parameter is None and index not in shared:
                wanted.setdefault(index, value)
    return list(wanted.values())


def standing_values(program: StepProgram) -> list[Value]:
    """Rates and schedule state that parameters read and no op of the step writes."""
    written = {index for op in program.ops for index in op.writes}
    wanted: dict[int, Value] = {}
    for op in program.ops:
        for index in op.reads if op.owner is not None else ():
            value = program.values[index]
            if index not in written and value.kind in (ValueKind.RATE, ValueKind.SCHEDULE):
                wanted.setdefault(index, value)
    return list(wanted.values())


def summed_values(program: StepProgram, barrier: int) -> list[Value]:
    """Accumulators that the op at a barrier reads."""
    shared = accumulators(program)
    reads = dict.fromkeys(program.ops[barrier].reads)
    return [program.values[index] for index in reads if index in shared]


def _refuse_if_foreach(program: StepProgram, op: TensorOp) -> None:
    owners = {
        program.values[i].parameter
        for i in (*op.reads, *op.writes)
        if program.values[i].parameter is not None
    }
    if owners:
        names = sorted(program.parameters[i].name for i in owners if i is not None)
        raise UnknownOpError(
            f"{op.name} works on tensors of {len(names)} parameters at once ({names[0]}, ...)",
            parameter=names[0],
            remedy="update parameter by parameter, and join parameters by sums of numbers alone, "
            "as in a global norm",
        )
