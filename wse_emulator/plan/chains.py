"""Segments cut to a shard: chains of vector ops with their cycles and strip buffers.

A chain is the list of ops that one PE runs over its piece of a tensor. Temporaries are buffers of
one strip, taken when the op that makes them starts and given back when the op that reads them
last ends. A product of matrices runs in rounds, a panel of some lines in each, whose buffers are
taken for the round.
"""

from __future__ import annotations

from dataclasses import replace

from wse_emulator.activities import OpChain, VectorOp
from wse_emulator.cost.banks import bank_period_bytes
from wse_emulator.cost.kernel import FREE
from wse_emulator.cost.products import Formats
from wse_emulator.ops import OpCost, op_cost
from wse_emulator.ops.contractions import Product, factors_of
from wse_emulator.ops.spaces import Space
from wse_emulator.ops.streams import step_conflicts
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.chain_bytes import (
    bytes_at_once,
    bytes_each_pass,
    bytes_over_strips,
    elements_at,
)
from wse_emulator.plan.panels import (
    Round,
    buffer_bytes,
    first_cost,
    last_cost,
    multiply_adds,
)
from wse_emulator.plan.segments import Segment, StepSegments
from wse_emulator.plan.sparse import with_index_reads
from wse_emulator.program import StepProgram
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


class ChainCosts:
    """Costs of every parameter's chains on one machine, computed once for chains that look alike.

    Two parameters whose ops have the same names, dtypes and operand forms share their costs; the
    tables behind this are a cache of pure functions. The chains of the parameters in ``sparse``
    work on kept elements and read their indices.
    """

    def __init__(
        self, program: StepProgram, spec: WaferSpec, sparse: frozenset[int] = frozenset()
    ) -> None:
        self.program = program
        self.spec = spec
        self.sparse = sparse
        self.segments = StepSegments(program)
        count = len(program.parameters)
        alike: dict[tuple[int, bool], int] = {}
        self._first = tuple(
            alike.setdefault((program.first_alike(index), index in sparse), index)
            for index in range(count)
        )
        self._conflicts = {
            first: step_conflicts(program, first) for first in dict.fromkeys(self._first)
        }
        forms: dict[tuple[object, ...], int] = {}
        form_of = {
            first: tuple(
                forms.setdefault((first in sparse, *self._form_of(segment, conflicts)), len(forms))
                for segment in self.segments[first]
            )
            for first, conflicts in self._conflicts.items()
        }
        self._form = tuple(form_of[first] for first in self._first)
        self._costs: dict[tuple[int, Piece], tuple[OpCost, ...]] = {}
        self._rounds: dict[tuple[int, Piece, int], OpCost] = {}
        self._products: dict[int, tuple[Product, Formats]] = {}
        self._held: dict[tuple[object, ...], tuple[int, dict[int, int]]] = {}

    def _form_of(self, segment: Segment, conflicts: frozenset[int]) -> tuple[object, ...]:
        return segment.product, tuple(
            (
                chain_op.op.name,
                chain_op.op.dtype,
                chain_op.op.arguments,
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
                chain_op.allocates_beside,
                chain_op.releases_beside,
                chain_op.over,
                chain_op.op.index in conflicts,
            )
            for chain_op in segment.ops
        )

    def form(self, parameter: int, segment: int) -> int:
        """A number that chains of equal form share."""
        return self._form[parameter][segment]

    def forms(self, parameter: int) -> tuple[int, ...]:
        """One number for each chain of a parameter; parameters with equal numbers cost the same."""
        return self._form[parameter]

    def orders(self, parameter: int) -> tuple[int, ...]:
        """Lines of the matrix product of each segment, 0 for a plain pass; empty without any."""
        lines = tuple(s.product.lines if s.product else 0 for s in self._pattern(parameter))
        return lines if any(lines) else ()

    def _pattern(self, parameter: int) -> tuple[Segment, ...]:
        """Segments like the parameter's own, for what does not depend on names."""
        return self.segments[self._first[parameter]]

    def op_costs(self, parameter: int, segment: int, piece: Piece) -> tuple[OpCost, ...]:
        """Cost of each op of a segment over a piece in one pass."""
        key = (self._form[parameter][segment], piece)
        known = self._costs.get(key)
        if known is None:
            members = self._pattern(parameter)[segment].ops
            first = self._first[parameter]
            known = tuple(
                op_cost(
                    member.op,
                    self.program,
                    elements_at(member.over, piece),
                    self.spec,
                    bank_conflict=member.op.index in self._conflicts[first],
                )
                for member in members
            )
            if first in self.sparse:
                over_shard = [member.over is Space.SHARD for member in members]
                known = with_index_reads(known, over_shard, piece.elements, self.spec)
            self._costs[key] = known
        return known

    def chain(self, parameter: int, segment: int, piece: Piece, strip: int) -> OpChain:
        """The chain of a plain pass as a PE with ``piece`` runs it, in strips of ``strip``."""
        if piece.elements == 0:
            return OpChain(ops=())
        strip, strips, tail, full, rest = self._cut(parameter, segment, piece, strip)
        members = self.segments[parameter][segment].ops
        return OpChain(
            ops=tuple(
                VectorOp(
                    op=member.op.index,
                    strip_cycles=full[i].cycles,
                    tail_cycles=rest[i].cycles if tail and not member.once else 0,
                    allocates_bytes=taken,
                    releases_bytes=given,
                    once=member.once,
                )
                for i, (member, (taken, given)) in enumerate(
                    zip(members, bytes_each_pass(members, piece, strip), strict=True)
                )
            ),
            strips=strips,
            tail=bool(tail),
        )

    def round_chain(
        self, parameter: int, segment: int, strip: int, panel: Round, piece: Piece
    ) -> OpChain:
        """One round of a product of matrices on a PE with ``piece``.

        The first round takes the memory of the result; the last gives back that of operands
        that are not read again.
        """
        lines = panel.lines
        cost = self.round(parameter, segment, piece, lines)
        before, after = self._ends(parameter, segment, piece)
        cost += before if panel.first else FREE
        cost += after if panel.last else FREE
        if cost.cycles == 0:  # no part of the product lies here
            return OpChain(ops=())
        (member,) = self.segments[parameter][segment].ops
        buffers = self._buffers(parameter, segment, piece, lines)
        taken, given = bytes_at_once(member, piece, strip)
        op = VectorOp(
            op=member.op.index,
            strip_cycles=cost.cycles,
            allocates_bytes=buffers + (taken if panel.first else 0),
            releases_bytes=buffers + (given if panel.last else 0),
            once=True,
        )
        return OpChain(ops=(op,))

    def round(self, parameter: int, segment: int, piece: Piece, lines: int) -> OpCost:
        """Cost of one round of a product, ``lines`` lines long."""
        key = (self._form[parameter][segment], piece, lines)
        known = self._rounds.get(key)
        if known is None:
            product, formats = self._product(parameter, segment)
            sides = piece.sides(product.stays.down, product.stays.across)
            known = multiply_adds(product, formats, sides, lines, self.spec).cost
            self._rounds[key] = known
        return known

    def _ends(self, parameter: int, segment: int, piece: Piece) -> tuple[OpCost, OpCost]:
        """What comes before the first round of a product, and after the last."""
        product, formats = self._product(parameter, segment)
        return (
            first_cost(product, formats, piece, self.spec),
            last_cost(product, formats, piece, self.spec),
        )

    def _buffers(self, parameter: int, segment: int, piece: Piece, lines: int) -> int:
        """Bytes of the panels of a round and of their partial sums."""
        return buffer_bytes(*self._product(parameter, segment), piece, lines, self.spec)

    def _product(self, parameter: int, segment: int) -> tuple[Product, Formats]:
        """The product of a segment, with the formats of its sums and of its factors."""
        form = self._form[parameter][segment]
        known = self._products.get(form)
        if known is None:
            part = self._pattern(parameter)[segment]
            assert part.product is not None
            (member,) = part.ops
            factor = member.op.reads[factors_of(member.op).both[1]]
            formats = member.op.dtype, self.program.values[factor].dtype
            known = self._products[form] = part.product, formats
        return known

    def formats(self, parameter: int, segment: int) -> Formats:
        """Number formats of a product's result and of its factors."""
        return self._product(parameter, segment)[1]

    def lines_in_step(self, parameter: int, segment: int) -> int:
        """Elements of the lines of which all begin in the same bank: any number of times those."""
        item_bytes = min(BYTES[dtype] for dtype in self.formats(parameter, segment))
        return max(1, bank_period_bytes(self.spec) // item_bytes)

    def totals(
        self, parameter: int, segment: int, piece: Piece, strip: int, lines: int
    ) -> tuple[OpCost, ...]:
        """Cost of each op over all strips of a piece; of a product, over all panels."""
        part = self._pattern(parameter)[segment]
        members = part.ops
        if piece.elements == 0:
            return tuple(FREE for _ in members)
        if part.product is not None:
            rounds, tail = divmod(part.product.lines, lines)
            short = self.round(parameter, segment, piece, tail) if tail else None
            panels = _times(self.round(parameter, segment, piece, lines), rounds, short)
            before, after = self._ends(parameter, segment, piece)
            return (panels + before + after,)
        _, strips, tail, full, rest = self._cut(parameter, segment, piece, strip)
        return tuple(
            full[i] if member.once else _times(full[i], strips, rest[i] if tail else None)
            for i, member in enumerate(members)
        )

    def _cut(
        self, parameter: int, segment: int, piece: Piece, strip: int
    ) -> tuple[int, int, int, tuple[OpCost, ...], tuple[OpCost, ...]]:
        """Strip length, full strips, tail elements; costs of a full strip and of the tail.

        Without a tail there are no costs of it.
        """
        strip = min(strip, piece.elements)
        strips, tail = divmod(piece.elements, strip)
        whole = piece if strip == piece.elements else replace(piece, elements=strip)
        full = self.op_costs(parameter, segment, whole)
        rest = self.op_costs(parameter, segment, replace(piece, elements=tail)) if tail else ()
        return strip, strips, tail, full, rest

    def cycles(self, parameter: int, piece: Piece, strip: int, lines: tuple[int, ...] = ()) -> int:
        """Cycles of all chains of a parameter on a PE with ``piece``.

        ``lines`` is the length of each segment's panels, for a step that multiplies matrices.
        """
        return sum(
            cost.cycles
            for segment in range(len(self._pattern(parameter)))
            for cost in self.totals(
                parameter, segment, piece, strip, lines[segment] if lines else 0
            )
        )

    def temporary_bytes(
        self, parameter: int, piece: Piece, strip: int, lines: tuple[int, ...] = ()
    ) -> int:
        """Largest sum of temporaries held at once, over all chains of a parameter, in bytes.

        A temporary that crosses from one segment into the next is held for the whole shard.
        Without ``lines``, panels are one line long.
        """
        peak, products = self._held_beside(parameter, piece, strip)
        for segment in products:
            length = lines[segment] if lines else 1
            peak = max(peak, self.product_bytes(parameter, segment, piece, strip, length))
        return peak

    def product_bytes(
        self, parameter: int, segment: int, piece: Piece, strip: int, lines: int
    ) -> int:
        """Temporaries held in the rounds of one product, panels of ``lines`` lines included."""
        _, held = self._held_beside(parameter, piece, strip)
        return held[segment] + self._buffers(parameter, segment, piece, lines)

    def _held_beside(self, parameter: int, piece: Piece, strip: int) -> tuple[int, dict[int, int]]:
        key = (self._form[parameter], piece, strip)
        known = self._held.get(key)
        if known is None:
            known = self._held[key] = self._held_bytes(parameter, piece, strip)
        return known

    def _held_bytes(self, parameter: int, piece: Piece, strip: int) -> tuple[int, dict[int, int]]:
        """The peak without panels; product's segment -> bytes held beside its panels."""
        held = peak = 0
        products = {}
        for segment, part in enumerate(self._pattern(parameter)):
            if part.product is not None:
                if piece.elements:
                    taken, given = bytes_at_once(part.ops[0], piece, strip)
                    held += taken
                    peak = max(peak, held)
                    products[segment] = held
                    held -= given
                continue
            highest, change = bytes_over_strips(part.ops, piece, strip)
            peak = max(peak, held + highest)
            held += change
        return peak, products


def _times(full: OpCost, strips: int, rest: OpCost | None) -> OpCost:
    return full.times(strips) + (rest or FREE)
