"""The work of ops: by kind, summed over all PEs, and for each op on the PE with the most of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import Work
from wse_emulator.cost.kernel import FREE, OpCost, cost_of
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered
from wse_emulator.placement.pieces import piece_counts
from wse_emulator.placement.values import Placement
from wse_emulator.plan.step import StepPlan
from wse_emulator.results.run import OpFacts


@dataclass(frozen=True, slots=True, eq=False)
class OpWork:
    """The work of all ops of a step.

    Attributes:
        facts: busy cycles by phase and kind of op; they sum to the busy cycles of all PEs.
        most_cycles: for each op of the program, its cycles on the PE with the most of it; 0 for ops
            without cost.
    """

    facts: tuple[OpFacts, ...]
    most_cycles: NDArray[np.int64]


def op_work(plan: StepPlan, placement: Placement, lowered: Lowered, timing: Timing) -> OpWork:
    """Add up the work of each op over the PEs."""
    count: dict[tuple[str, str], int] = defaultdict(int)
    spent: dict[tuple[str, str], OpCost] = defaultdict(lambda: FREE)
    costs = plan.costs
    names = [op.base_name for op in costs.program.ops]
    most = np.zeros(len(names), dtype=np.int64)
    for phase, common in (
        ("schedule", lowered.controller_costs),
        ("global", lowered.central_costs),
    ):
        for index, cost in common:
            count[phase, names[index]] += 1
            spent[phase, names[index]] += cost
            most[index] += cost.cycles
    for tensor in placement.tensors:
        pieces = piece_counts(tensor)
        for number, segment in enumerate(costs.segments[tensor.parameter]):
            for member in segment.ops:
                count["update", member.op.base_name] += 1
            for piece, pes in pieces.items():
                totals = plan.totals(tensor.parameter, number, piece)
                for member, cost in zip(segment.ops, totals, strict=True):
                    spent["update", member.op.base_name] += cost.times(pes)
                    most[member.op.index] = max(most[member.op.index], cost.cycles)
    messages = [a for a in lowered.activities if not isinstance(a, Work)]
    if messages:
        key = ("messages", "send and take")
        count[key] = len(messages)
        working = sum(cost.cycles for cost in spent.values())
        # fabric latencies and link rates are documented
        spent[key] = cost_of(int(timing.pe_busy.sum()) - working, "evidence")
    facts = tuple(
        OpFacts(
            name=name,
            phase=phase,
            count=count[phase, name],
            pe_cycles=spent[phase, name].cycles,
            counted_pe_cycles=spent[phase, name].counted_cycles,
            unsourced_pe_cycles=spent[phase, name].own_cycles,
        )
        for phase, name in sorted(count, key=lambda key: (-spent[key].cycles, key))
    )
    return OpWork(facts, most)
