"""A parameter's step as segments: ops that one pass over its shard runs, then a collective.

Ops over the shard run strip by strip; ops on row or column statistics and on single numbers run
once a step. A segment ends where PEs have to combine what they have: a norm, a row mean, the
global norm over the wafer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from wse_emulator.plan.precision import ITEM_BYTES
from wse_emulator.program import StepProgram, TensorOp, ValueKind
from wse_emulator.spaces import OpSpace, Space, accumulators, local_reductions, spaces_of


class Collective(Enum):
    """What follows a segment on the fabric."""

    NUMBER = "number"  # one number summed over the region, back to all of it
    ROW_SUMS = "row sums"  # a vector a row of PEs, summed along the row
    COLUMN_SUMS = "column sums"  # a vector a column of PEs, summed along the column
    OVER_ROWS = "over rows"  # one number summed down each column of PEs
    OVER_COLUMNS = "over columns"  # one number summed along each row of PEs


@dataclass(frozen=True, slots=True)
class SegmentOp:
    """One op of a segment, before it is cut to a shard.

    Attributes:
        op: the program's op.
        over: what a PE loops over.
        allocates_bytes, releases_bytes: strip buffers taken and given back, an element.
    """

    op: TensorOp
    over: Space
    allocates_bytes: int
    releases_bytes: int

    @property
    def once(self) -> bool:
        """Whether it runs once, not once a strip."""
        return self.over is not Space.SHARD


@dataclass(frozen=True, slots=True)
class Exchange:
    """A collective and how much it carries.

    Attributes:
        kind: where it runs.
        numbers: results that travel together, each one element (a line) long.
        result_bytes: bytes of one element.
    """

    kind: Collective
    numbers: int
    result_bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Ops of one pass.

    Attributes:
        ops: in the order in which a PE runs them.
        exchanges: what PEs combine after the pass, in order; empty after the last.
        phase: 0 until the first number that is summed over the wafer is read, then 1, ...
    """

    ops: tuple[SegmentOp, ...]
    exchanges: tuple[Exchange, ...]
    phase: int


_COLLECTIVE = {
    (Space.SHARD, Space.ONE): Collective.NUMBER,
    (Space.SHARD, Space.ROWS): Collective.ROW_SUMS,
    (Space.SHARD, Space.COLS): Collective.COLUMN_SUMS,
    (Space.ROWS, Space.ONE): Collective.OVER_ROWS,
    (Space.COLS, Space.ONE): Collective.OVER_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class StepShape:
    """What all parameters' segments need to know of the whole program.

    Attributes:
        barriers: indices of the ops that first read a number summed over the wafer.
        local: reductions whose parts stay on their PE.
    """

    barriers: tuple[int, ...]
    local: frozenset[int]


def shape_of(program: StepProgram) -> StepShape:
    """Barriers and local reductions of a program."""
    shared = accumulators(program)
    waiting = set(shared)
    barriers = []
    for op in program.ops[program.schedule_ops :]:
        if op.owner is None and waiting & set(op.reads):
            barriers.append(op.index)
            waiting -= set(op.reads)
    return StepShape(tuple(barriers), local_reductions(program) if barriers else frozenset())


def segments_of(program: StepProgram, parameter: int, shape: StepShape) -> tuple[Segment, ...]:
    """The segments of one parameter, in order; empty if its step has no ops.

    Reductions that do not wait for one another share a segment, and their results travel
    together: ops that need a result not yet combined are put off to the next segment.

    Raises:
        UnknownOpError: an op that PEs cannot run on shards.
    """
    spaces = spaces_of(program, program.parameters[parameter])
    passes: list[tuple[list[TensorOp], tuple[Exchange, ...], int]] = []
    ops = program.ops_of(parameter)
    for phase in range(len(shape.barriers) + 1):
        waiting = [op for op in ops if _phase(op, shape) == phase]
        while waiting:
            ready, waiting, exchanges = _one_pass(waiting, spaces, shape)
            *early, last = _without_overwriting(ready, spaces)
            passes += [(part, (), phase) for part in early]
            passes.append((last, exchanges, phase))
    order = [op for part, _, _ in passes for op in part]
    pass_of = [number for number, (part, _, _) in enumerate(passes) for _ in part]
    made, dropped = _lifetimes(program, order, pass_of)
    segments = []
    position = 0
    for part, exchanges, phase in passes:
        members = []
        for op in part:
            taken, given = made.get(position, 0), dropped.get(position, 0)
            members.append(SegmentOp(op, spaces[op.index].over, taken, given))
            position += 1
        segments.append(Segment(tuple(members), exchanges, phase))
    return tuple(segments)


def _phase(op: TensorOp, shape: StepShape) -> int:
    return sum(barrier < op.index for barrier in shape.barriers)


def _one_pass(
    ops: list[TensorOp], spaces: Mapping[int, OpSpace], shape: StepShape
) -> tuple[list[TensorOp], list[TensorOp], tuple[Exchange, ...]]:
    """Ops that can run before anything is combined, those put off, and what is combined."""
    ready: list[TensorOp] = []
    late: list[TensorOp] = []
    pending: set[int] = set()  # results that PEs have in parts only
    late_reads: set[int] = set()
    late_writes: set[int] = set()
    exchanges: dict[tuple[Collective, int], int] = {}
    for op in ops:
        reads, writes = set(op.reads), set(op.writes)
        waits = (reads | writes) & pending or reads & late_writes
        if waits or writes & (late_reads | late_writes):
            late.append(op)
            late_reads |= reads
            late_writes |= writes
            continue
        ready.append(op)
        space = spaces[op.index]
        if space.across and op.index not in shape.local:
            pending |= writes
            key = (_COLLECTIVE[space.over, space.result], ITEM_BYTES[op.dtype])
            exchanges[key] = exchanges.get(key, 0) + 1
    return ready, late, tuple(Exchange(kind, n, size) for (kind, size), n in exchanges.items())


def _without_overwriting(
    ops: list[TensorOp], spaces: Mapping[int, OpSpace]
) -> list[list[TensorOp]]:
    """The ops, parted where a number is overwritten that later strips still have to read."""
    parts: list[list[TensorOp]] = [[]]
    read_by_strips: set[int] = set()
    for op in ops:
        in_strips = spaces[op.index].over is Space.SHARD
        if not in_strips and read_by_strips & set(op.writes):
            parts.append([])
            read_by_strips = set()
        if in_strips:
            read_by_strips |= set(op.reads)
        parts[-1].append(op)
    return parts


def _lifetimes(
    program: StepProgram, ops: Sequence[TensorOp], segment_of: Sequence[int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Bytes an element made and dropped at each position, for temporaries of the shard's size.

    Vectors and numbers live in the communication buffers and registers of the reserve. A
    temporary that outlives its segment is held for the whole shard; the first that is made after
    the gradient was read last takes the gradient's place, which the static plan knows to be free.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    last_gradient = -1
    for position, op in enumerate(ops):
        for index in (*op.reads, *op.writes):
            value = program.values[index]
            if value.kind is ValueKind.GRADIENT:
                last_gradient = position
            spread = value.shape != () and value.numel == _numel(program, op)
            if value.kind is ValueKind.TEMPORARY and spread:
                first.setdefault(index, position)
                last[index] = position
    made: dict[int, int] = {}
    dropped: dict[int, int] = {}
    gradient_free = last_gradient >= 0
    for index, position in first.items():
        outlives = segment_of[last[index]] != segment_of[position]
        size = ITEM_BYTES[program.values[index].dtype]
        if outlives and gradient_free and position >= last_gradient and size <= 4:
            gradient_free = False
            continue
        made[position] = made.get(position, 0) + size
        dropped[last[index]] = dropped.get(last[index], 0) + size
    return made, dropped


def _numel(program: StepProgram, op: TensorOp) -> int:
    return 0 if op.owner is None else program.parameters[op.owner].numel
