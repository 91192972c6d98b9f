"""Segments cut to a shard: chains of vector ops with their cycles and strip buffers.

A chain is the list of ops that one PE runs over its piece of a tensor. Temporaries are buffers of
one strip, taken when the op that makes them starts and given back when the op that reads them
last ends.
"""

from __future__ import annotations

from wse_emulator.activities import OpChain, VectorOp
from wse_emulator.cost import OpCost, op_cost
from wse_emulator.cost.banks import step_conflicts
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.segments import Segment, SegmentOp, segments_of, shape_of
from wse_emulator.program import StepProgram
from wse_emulator.spaces import Space
from wse_emulator.wafer.spec import WaferSpec


class ChainCosts:
    """Costs of every parameter's chains on one machine, computed once for chains that look alike.

    Two parameters whose ops have the same names, dtypes and operand forms share their costs; the
    tables behind this are a cache of pure functions.
    """

    def __init__(self, program: StepProgram, spec: WaferSpec) -> None:
        self.program = program
        self.spec = spec
        shape = shape_of(program)
        self.segments = tuple(
            segments_of(program, index, shape) for index in range(len(program.parameters))
        )
        self._conflicts = tuple(
            step_conflicts(program, index) for index in range(len(program.parameters))
        )
        forms: dict[tuple[object, ...], int] = {}
        self._form = tuple(
            tuple(
                forms.setdefault(self._form_of(segment, self._conflicts[index]), len(forms))
                for segment in segments
            )
            for index, segments in enumerate(self.segments)
        )
        self._costs: dict[tuple[int, Piece], tuple[OpCost, ...]] = {}

    def _form_of(self, segment: Segment, conflicts: frozenset[int]) -> tuple[object, ...]:
        return tuple(
            (
                chain_op.op.name,
                chain_op.op.dtype,
                chain_op.op.scalars,
                len(chain_op.op.shape),
                tuple(
                    (
                        self.program.values[index].dtype,
                        self.program.values[index].kind.value,
                        shape == chain_op.op.shape,
                        shape == (),
                    )
                    for index, shape in zip(chain_op.op.reads, chain_op.op.read_shapes, strict=True)
                ),
                chain_op.allocates_bytes,
                chain_op.releases_bytes,
                chain_op.over,
                chain_op.op.index in conflicts,
            )
            for chain_op in segment.ops
        )

    def form(self, parameter: int, segment: int) -> int:
        """A number that chains of equal form share."""
        return self._form[parameter][segment]

    def op_costs(self, parameter: int, segment: int, piece: Piece) -> tuple[OpCost, ...]:
        """Cost of each op of a segment over a piece in one pass."""
        key = (self._form[parameter][segment], piece)
        known = self._costs.get(key)
        if known is None:
            known = self._costs[key] = tuple(
                op_cost(
                    member.op,
                    self.program,
                    _loop(member, piece),
                    self.spec,
                    bank_conflict=member.op.index in self._conflicts[parameter],
                )
                for member in self.segments[parameter][segment].ops
            )
        return known

    def chain(self, parameter: int, segment: int, piece: Piece, strip: int) -> OpChain:
        """The chain as a PE with ``piece`` runs it, in strips of ``strip`` elements."""
        if piece.elements == 0:
            return OpChain(ops=())
        strip, strips, tail, full, rest = self._cut(parameter, segment, piece, strip)
        return OpChain(
            ops=tuple(
                VectorOp(
                    op=member.op.index,
                    strip_cycles=full[i].cycles,
                    tail_cycles=rest[i].cycles if tail and not member.once else 0,
                    allocates_bytes=member.allocates_bytes * strip,
                    releases_bytes=member.releases_bytes * strip,
                    once=member.once,
                )
                for i, member in enumerate(self.segments[parameter][segment].ops)
            ),
            strips=strips,
            tail=bool(tail),
        )

    def totals(self, parameter: int, segment: int, piece: Piece, strip: int) -> tuple[OpCost, ...]:
        """Cost of each op over all strips of a piece."""
        members = self.segments[parameter][segment].ops
        if piece.elements == 0:
            return tuple(OpCost(0, 0, 0, 0) for _ in members)
        _, strips, tail, full, rest = self._cut(parameter, segment, piece, strip)
        return tuple(
            full[i] if member.once else _times(full[i], strips, rest[i] if tail else None)
            for i, member in enumerate(members)
        )

    def _cut(
        self, parameter: int, segment: int, piece: Piece, strip: int
    ) -> tuple[int, int, int, tuple[OpCost, ...], tuple[OpCost, ...]]:
        """Strip length, full strips, tail elements; costs of a full strip and of the tail."""
        strip = min(strip, piece.elements)
        strips, tail = divmod(piece.elements, strip)
        full = self.op_costs(parameter, segment, Piece(strip, piece.rows, piece.cols))
        rest = self.op_costs(parameter, segment, Piece(tail, piece.rows, piece.cols))
        return strip, strips, tail, full, rest

    def cycles(self, parameter: int, piece: Piece, strip: int) -> int:
        """Cycles of all chains of a parameter on a PE with ``piece``."""
        return sum(
            cost.cycles
            for segment in range(len(self.segments[parameter]))
            for cost in self.totals(parameter, segment, piece, strip)
        )

    def temporary_bytes(self, parameter: int, piece: Piece, strip: int) -> int:
        """Largest sum of strip buffers held at once, over all chains of a parameter, in bytes.

        A temporary that crosses from one segment into the next is held for the whole shard.
        """
        held = peak = 0
        for segment in range(len(self.segments[parameter])):
            chain = self.chain(parameter, segment, piece, strip)
            for number in range(chain.strips + chain.tail):
                before = held
                for op in chain.ops:
                    if op.once and number:
                        continue
                    held += op.allocates_bytes
                    peak = max(peak, held)
                    held -= op.releases_bytes
                if number == 0 and held == before:
                    break  # every strip is like the first
        return peak


def _loop(member: SegmentOp, piece: Piece) -> int:
    """Elements that an op loops over on one PE."""
    return {
        Space.SHARD: piece.elements,
        Space.ROWS: piece.rows,
        Space.COLS: piece.cols,
        Space.ONE: 1,
    }[member.over]


def _times(full: OpCost, strips: int, rest: OpCost | None) -> OpCost:
    tail = rest or OpCost(0, 0, 0, 0)
    return OpCost(
        full.cycles * strips + tail.cycles,
        full.unsourced_cycles * strips + tail.unsourced_cycles,
        full.low_cycles * strips + tail.low_cycles,
        full.high_cycles * strips + tail.high_cycles,
    )
