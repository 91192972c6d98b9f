"""The work of ops: by kind over all PEs, and of each op on the PE that has most of it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import Work
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered
from wse_emulator.placement.pieces import piece_counts
from wse_emulator.placement.values import Placement
from wse_emulator.plan.step import StepPlan
from wse_emulator.results.run_result import OpFacts


def op_facts(
    plan: StepPlan, placement: Placement, lowered: Lowered, timing: Timing
) -> tuple[OpFacts, ...]:
    """Busy cycles by phase and kind of op; they sum to the busy cycles of all PEs."""
    count: dict[tuple[str, str], int] = defaultdict(int)
    cycles: dict[tuple[str, str], int] = defaultdict(int)
    unsourced: dict[tuple[str, str], int] = defaultdict(int)
    costs = plan.costs
    names = [op.base_name for op in costs.program.ops]
    for phase, common in (
        ("schedule", lowered.controller_costs),
        ("global", lowered.central_costs),
    ):
        for index, cost in common:
            count[phase, names[index]] += 1
            cycles[phase, names[index]] += cost.cycles
            unsourced[phase, names[index]] += cost.unsourced_cycles
    for tensor in placement.tensors:
        pieces = piece_counts(tensor)
        for number, segment in enumerate(costs.segments[tensor.parameter]):
            for member in segment.ops:
                count["update", member.op.base_name] += 1
            for piece, pes in pieces.items():
                totals = plan.totals(tensor.parameter, number, piece)
                for member, cost in zip(segment.ops, totals, strict=True):
                    key = ("update", member.op.base_name)
                    cycles[key] += pes * cost.cycles
                    unsourced[key] += pes * cost.unsourced_cycles
    messages = [a for a in lowered.activities if not isinstance(a, Work)]
    if messages:
        key = ("messages", "send and take")
        count[key] = len(messages)
        cycles[key] = int(timing.pe_busy.sum()) - sum(cycles.values())
    return tuple(
        OpFacts(
            name=name,
            phase=phase,
            count=count[phase, name],
            pe_cycles=cycles[phase, name],
            unsourced_pe_cycles=unsourced[phase, name],
        )
        for phase, name in sorted(count, key=lambda key: (-cycles[key], key))
    )


def op_cycles(plan: StepPlan, placement: Placement, lowered: Lowered) -> NDArray[np.int64]:
    """Cycles of each op of the program on the PE that has most of it; 0 for ops without cost."""
    most = np.zeros(len(plan.costs.program.ops), dtype=np.int64)
    for index, cost in (*lowered.controller_costs, *lowered.central_costs):
        most[index] += cost.cycles
    for tensor in placement.tensors:
        for number, segment in enumerate(plan.costs.segments[tensor.parameter]):
            for piece in piece_counts(tensor):
                totals = plan.totals(tensor.parameter, number, piece)
                for member, cost in zip(segment.ops, totals, strict=True):
                    most[member.op.index] = max(most[member.op.index], cost.cycles)
    return most
