"""A parameter's step as segments: ops that one pass over its shard runs, then a collective.

Ops over the shard run strip by strip; ops on row or column statistics, matrices beside and single
numbers run once a step. A segment ends where PEs have to combine what they have: a norm, a row
mean, the global norm over the wafer; or where strips have to add up, as for the row means of
matrices that lie whole in a PE. A product of matrices is a segment of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum

from wse_emulator.ops.contractions import Block, Product
from wse_emulator.ops.spaces import (
    STACKED,
    OpSpace,
    Place,
    Space,
    accumulators,
    local_reductions,
    spaces_of,
)
from wse_emulator.ops.transfers import Transfer
from wse_emulator.program import StepProgram, TensorOp, ValueKind
from wse_emulator.wafer.formats import BYTES


class Collective(Enum):
    """What follows a segment on the fabric."""

    NUMBER = "number"  # one number summed over the region, back to all of it
    ROW_SUMS = "row sums"  # a vector a row of PEs, summed along the row
    COLUMN_SUMS = "column sums"  # a vector a column of PEs, summed along the column
    OVER_ROWS = "over rows"  # one number summed down each column of PEs
    OVER_COLUMNS = "over columns"  # one number summed along each row of PEs
    SCAN = "scan"  # sums of all that lies before, from PE to PE
    SHIFT = "shift"  # elements that leave their PE


Buffers = tuple[tuple[Place, int], ...]
"""Places, each with the bytes an element that are held in it."""


@dataclass(frozen=True, slots=True)
class SegmentOp:
    """One op of a segment, before it is cut to a shard.

    Attributes:
        op: the program's op.
        over: what a PE loops over.
        allocates_bytes, releases_bytes: buffers taken and given back, an element: strips of
            the shard.
        allocates_beside, releases_beside: the same of another size, ``(place, bytes)``: bytes
            an element of the PE's block of a matrix beside, or of what belongs to its stacked
            matrices.
    """

    op: TensorOp
    over: Place
    allocates_bytes: int
    releases_bytes: int
    allocates_beside: Buffers = ()
    releases_beside: Buffers = ()

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
        transfer: what passes from PE to PE, for a scan or a shift.
    """

    kind: Collective
    numbers: int
    result_bytes: int
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Ops of one pass.

    Attributes:
        ops: in the order in which a PE runs them.
        exchanges: what PEs combine after the pass, in order; empty after the last.
        phase: 0 until the first number that is summed over the wafer is read, then 1, ...
        product: how the only op multiplies matrices, panel by panel; None for a plain pass.
    """

    ops: tuple[SegmentOp, ...]
    exchanges: tuple[Exchange, ...]
    phase: int
    product: Product | None = None


_COLLECTIVE: Mapping[tuple[Place, Place], Collective] = {
    (Space.SHARD, Space.ONE): Collective.NUMBER,
    (Space.SHARD, Space.ROWS): Collective.ROW_SUMS,
    (Space.SHARD, Space.COLS): Collective.COLUMN_SUMS,
    (Space.ROWS, Space.ONE): Collective.OVER_ROWS,
    (Space.COLS, Space.ONE): Collective.OVER_COLUMNS,
    (Space.STACK_ROWS, Space.ONE): Collective.NUMBER,
    (Space.STACK_COLS, Space.ONE): Collective.NUMBER,
    (Space.MATRICES, Space.ONE): Collective.NUMBER,
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
    beside = _values_beside(program, order, spaces)
    spread = _spread(program, order, beside)
    made, dropped = _lifetimes(program, order, pass_of, spread, reuse=True)
    taken: dict[Place, dict[int, int]] = {}
    given: dict[Place, dict[int, int]] = {}
    for space, values in beside.items():
        taken[space], given[space] = _lifetimes(program, order, pass_of, values, reuse=False)
    segments = []
    position = 0
    for part, exchanges, phase in passes:
        members = []
        for op in part:
            members.append(
                SegmentOp(
                    op,
                    spaces[op.index].over,
                    made.get(position, 0),
                    dropped.get(position, 0),
                    _buffers(taken, position),
                    _buffers(given, position),
                )
            )
            position += 1
        product = spaces[part[0].index].product if part else None
        segments.append(Segment(tuple(members), exchanges, phase, product))
    return tuple(segments)


def _buffers(held: Mapping[Place, Mapping[int, int]], position: int) -> Buffers:
    return tuple((space, of[position]) for space, of in held.items() if position in of)


def _phase(op: TensorOp, shape: StepShape) -> int:
    return sum(barrier < op.index for barrier in shape.barriers)


def _one_pass(
    ops: list[TensorOp], spaces: Mapping[int, OpSpace], shape: StepShape
) -> tuple[list[TensorOp], list[TensorOp], tuple[Exchange, ...]]:
    """Ops that can run before anything is combined, those put off, and what is combined.

    A product of matrices runs in a pass of its own.
    """
    if spaces[ops[0].index].product is not None:
        return [ops[0]], ops[1:], ()
    ready: list[TensorOp] = []
    late: list[TensorOp] = []
    pending: set[int] = set()  # results that PEs have in parts only
    late_reads: set[int] = set()
    late_writes: set[int] = set()
    exchanges: dict[tuple[Collective, int, Transfer | None], int] = {}
    for op in ops:
        reads, writes = set(op.reads), set(op.writes)
        space = spaces[op.index]
        waits = (reads | writes) & pending or reads & late_writes or space.product is not None
        if waits or writes & (late_reads | late_writes):
            late.append(op)
            late_reads |= reads
            late_writes |= writes
            continue
        ready.append(op)
        if op.index in shape.local:
            continue
        if space.across or space.gathered:
            pending |= writes
        if space.across:
            key = (_collective_of(space), BYTES[op.dtype], space.transfer)
            exchanges[key] = exchanges.get(key, 0) + 1
    return (
        ready,
        late,
        tuple(Exchange(kind, n, size, moved) for (kind, size, moved), n in exchanges.items()),
    )


def _collective_of(space: OpSpace) -> Collective:
    if space.transfer is not None:
        return Collective.SHIFT if space.transfer.wraps else Collective.SCAN
    over = Space.SHARD if isinstance(space.over, Block) else space.over
    return _COLLECTIVE[over, space.result]  # a statistic of a block beside is as long as one of it


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


def _spread(
    program: StepProgram, ops: Sequence[TensorOp], beside: Mapping[Place, Set[int]]
) -> set[int]:
    """Temporaries of the shard's size; vectors and numbers live in the reserve's buffers."""
    elsewhere = {index for values in beside.values() for index in values}
    found = set()
    for op in ops:
        numel = 0 if op.owner is None else program.parameters[op.owner].numel
        for index in {*op.reads, *op.writes} - elsewhere:
            value = program.values[index]
            if value.kind is ValueKind.TEMPORARY and value.shape != () and value.numel == numel:
                found.add(index)
    return found


def _values_beside(
    program: StepProgram, ops: Sequence[TensorOp], spaces: Mapping[int, OpSpace]
) -> dict[Place, set[int]]:
    """Temporaries of neither size, by what they belong to."""
    found: dict[Place, set[int]] = {}
    for op in ops:
        made = spaces[op.index].result
        if isinstance(made, Block) or made in STACKED.values():
            values = {i for i in op.writes if program.values[i].kind is ValueKind.TEMPORARY}
            found.setdefault(made, set()).update(values)
    return found


def _lifetimes(
    program: StepProgram,
    ops: Sequence[TensorOp],
    segment_of: Sequence[int],
    values: Set[int],
    *,
    reuse: bool,
) -> tuple[dict[int, int], dict[int, int]]:
    """Bytes an element made and dropped at each position, for temporaries of one size.

    A temporary that outlives its segment is held whole; with ``reuse`` those that are made after
    the gradient was read last take the gradient's place, which the static plan knows to be free,
    as long as there is room in it.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    last_gradient, room = -1, 0
    for position, op in enumerate(ops):
        for index in (*op.reads, *op.writes):
            if program.values[index].kind is ValueKind.GRADIENT:
                last_gradient, room = position, BYTES[program.values[index].dtype]
            if index in values:
                first.setdefault(index, position)
                last[index] = position
    made: dict[int, int] = {}
    dropped: dict[int, int] = {}
    guests: dict[int, int] = {}  # in the gradient's place
    for index, position in first.items():
        outlives = segment_of[last[index]] != segment_of[position]
        size = BYTES[program.values[index].dtype]
        guests = {guest: bytes_of for guest, bytes_of in guests.items() if last[guest] < position}
        fits = sum(guests.values()) + size <= room
        if reuse and outlives and fits and position >= last_gradient:
            guests[index] = size
            continue
        made[position] = made.get(position, 0) + size
        dropped[last[index]] = dropped.get(last[index], 0) + size
    return made, dropped


class StepSegments:
    """Parameter -> its segments, found when they are first asked for.

    Those of a parameter whose step is like that of an earlier one are its segments over other
    ops.
    """

    def __init__(self, program: StepProgram) -> None:
        self._program = program
        self._shape = shape_of(program)
        self._known: dict[int, tuple[Segment, ...]] = {}

    def __getitem__(self, parameter: int) -> tuple[Segment, ...]:
        """The segments of one parameter, in order; empty if its step has no ops.

        Raises:
            UnknownOpError: an op that PEs cannot run on shards.
        """
        known = self._known.get(parameter)
        if known is None:
            first = self._program.first_alike(parameter)
            known = (
                segments_of(self._program, parameter, self._shape)
                if first == parameter
                else self._over_ops_of(parameter, first)
            )
            self._known[parameter] = known
        return known

    def _over_ops_of(self, parameter: int, first: int) -> tuple[Segment, ...]:
        theirs, own = self._program.ops_of(first), self._program.ops_of(parameter)
        own_op = {op.index: mine for op, mine in zip(theirs, own, strict=True)}
        return tuple(
            replace(
                segment,
                ops=tuple(replace(member, op=own_op[member.op.index]) for member in segment.ops),
            )
            for segment in self[first]
        )
