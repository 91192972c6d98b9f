"""A parameter's step as segments: ops that one pass over its shard runs, then a collective.

Ops over the shard run strip by strip; ops on row or column statistics and on single numbers run
once a step. A segment ends where PEs have to combine what they have: a norm, a row mean, the
global norm over the wafer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch

from wse_emulator.program import StepProgram, TensorOp, ValueKind
from wse_emulator.spaces import OpSpace, Space, accumulators, local_reductions, spaces_of


class Collective(Enum):
    """What follows a segment on the fabric."""

    NUMBER = "number"  # one number summed over the region, back to all of it
    ROW_SUMS = "row sums"  # a vector a row of PEs, summed along the row
    COLUMN_SUMS = "column sums"  # a vector a column of PEs, summed along the column
    OVER_ROWS = "over rows"  # one number summed down each column of PEs
    OVER_COLUMNS = "over columns"  # one number summed along each row of PEs
    WAFER = "wafer"  # one number a PE, summed over the whole wafer


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
class Segment:
    """Ops of one pass.

    Attributes:
        ops: in program order.
        collective: what ends the segment; None for the last.
        result_bytes: bytes of one element of what the collective carries.
        phase: 0 until the first number that is summed over the wafer is read, then 1, ...
    """

    ops: tuple[SegmentOp, ...]
    collective: Collective | None
    result_bytes: int
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

    A scalar op that overwrites what an earlier op of the segment reads over the shard ends the
    segment before it, since later strips still need the old value.

    Raises:
        UnknownOpError: an op that PEs cannot run on shards.
    """
    ops = program.ops_of(parameter)
    spaces = spaces_of(program, program.parameters[parameter])
    cuts = _cuts(ops, spaces, shape)
    number_of = []
    number = 0
    for position in range(len(ops)):
        number_of.append(number)
        number += position in cuts
    made, dropped = _lifetimes(program, ops, number_of)
    segments: list[Segment] = []
    current: list[SegmentOp] = []
    for position, op in enumerate(ops):
        current.append(
            SegmentOp(op, spaces[op.index].over, made.get(position, 0), dropped.get(position, 0))
        )
        if position in cuts or position == len(ops) - 1:
            segments.append(
                Segment(
                    ops=tuple(current),
                    collective=cuts.get(position),
                    result_bytes=dtype_bytes(op.dtype),
                    phase=sum(barrier < op.index for barrier in shape.barriers),
                )
            )
            current = []
    return tuple(segments)


def _cuts(
    ops: tuple[TensorOp, ...], spaces: dict[int, OpSpace], shape: StepShape
) -> dict[int, Collective | None]:
    """Position of the last op of a segment -> the collective after it (None: just a cut)."""
    cuts: dict[int, Collective | None] = {}
    read_over_shard: set[int] = set()
    for position, op in enumerate(ops):
        space = spaces[op.index]
        following = ops[position + 1] if position + 1 < len(ops) else None
        if space.across and op.index not in shape.local:
            cuts[position] = _COLLECTIVE[space.over, space.result]
        elif any(
            barrier > op.index and (following is None or barrier < following.index)
            for barrier in shape.barriers
        ):
            cuts[position] = Collective.WAFER
        if space.over is Space.SHARD:
            read_over_shard |= set(op.reads)
        if position in cuts:
            read_over_shard = set()
        elif following is not None and spaces[following.index].over is Space.ONE:
            overwrites = set(following.writes) & (read_over_shard | set(op.reads))
            if overwrites and overwrites & read_over_shard:
                cuts[position] = None
                read_over_shard = set()
    return cuts


def _lifetimes(
    program: StepProgram, ops: tuple[TensorOp, ...], segment_of: list[int]
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
        size = dtype_bytes(program.values[index].dtype)
        if outlives and gradient_free and position >= last_gradient and size <= 4:
            gradient_free = False
            continue
        made[position] = made.get(position, 0) + size
        dropped[last[index]] = dropped.get(last[index], 0) + size
    return made, dropped


def _numel(program: StepProgram, op: TensorOp) -> int:
    return 0 if op.owner is None else program.parameters[op.owner].numel


def dtype_bytes(dtype: str) -> int:
    """Bytes of one element of a torch dtype, by name."""
    kind = getattr(torch, dtype)
    assert isinstance(kind, torch.dtype)
    return kind.itemsize
