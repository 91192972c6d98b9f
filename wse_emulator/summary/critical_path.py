"""What single PEs did from the first cycle to the last: the critical path, and sampled PEs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import Activity, Chain, LineMulticast, Multicast, Shift, Star, Work
from wse_emulator.engines.array.watch import releases_at
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered
from wse_emulator.placement.pieces import Piece, pieces_of
from wse_emulator.placement.values import Placement, TensorPlacement
from wse_emulator.plan.step import StepPlan
from wse_emulator.results.run import CriticalPart, PeTime


def pe_times(
    pes: Sequence[tuple[int, int]],
    placement: Placement,
    plan: StepPlan,
    lowered: Lowered,
    timing: Timing,
) -> tuple[PeTime, ...]:
    """What each of some PEs did, from the first cycle to its last release."""
    activities = activities_that_affect(pes, placement, lowered.activities)
    released = releases_at(placement.wafer, activities, pes, op_count=len(plan.costs.program.ops))
    return tuple(
        PeTime(
            pe,
            _parts(activities, released[:, column].tolist()),
            *_interval(pe, int(timing.pe_final[pe]), placement, plan, lowered),
        )
        for column, pe in enumerate(pes)
    )


def activities_that_affect(
    pes: Sequence[tuple[int, int]], placement: Placement, activities: Sequence[Activity]
) -> tuple[Activity, ...]:
    """Activities that can change when these PEs are released.

    Rectangles of layers share no PE and no link. A PE therefore depends on what its own layer does,
    on any of its PEs, and on what runs over the whole wafer. After a sum or a shift over the whole
    wafer it depends on every layer.
    """
    sums = [a for a in activities if isinstance(a, (Chain, Star, Shift)) and a.tensor is None]
    if sums:
        return tuple(activities)
    near = {
        tensor
        for layer in placement.layers
        if any(layer.region.contains(*pe) for pe in pes)
        for tensor in layer.tensors
    }
    return tuple(a for a in activities if a.tensor is None or a.tensor in near)


def _parts(activities: Sequence[Activity], released: list[int]) -> tuple[CriticalPart, ...]:
    """The stretches of a PE's time; neighbours of the same kind and name are joined."""
    parts: list[CriticalPart] = []
    at = 0
    for activity, end in zip(activities, released, strict=True):
        if end == at:
            continue
        what, phase = _stretch(activity)
        last = parts[-1] if parts else None
        if last is not None and (last.what, last.phase) == (what, phase):
            parts[-1] = dataclasses.replace(last, end_cycle=end)
        else:
            parts.append(CriticalPart(what=what, phase=phase, start_cycle=at, end_cycle=end))
        at = end
    return tuple(parts)


def _stretch(activity: Activity) -> tuple[str, str]:
    """The name and phase of what a PE does until it is released from an activity."""
    if isinstance(activity, Work) and not activity.begins_collective:
        return activity.name, "schedule" if activity.tensor is None else "update"
    if isinstance(activity, (Multicast, LineMulticast)) and activity.tensor is None:
        return f"{activity.name} on its way", "broadcast"
    return activity.name, "reduce"


def sampled_pes(placement: Placement, timing: Timing) -> dict[tuple[int, int], str]:
    """The PEs that a trace shows, and why each; the last to finish comes first."""

    def place_of(flat: int) -> tuple[int, int]:
        row, col = np.unravel_index(flat, timing.pe_busy.shape)
        return int(row), int(col)

    chosen: dict[tuple[int, int], str] = {}
    for pe, why in (
        (place_of(int(timing.pe_final.argmax())), "critical: the last to finish"),
        (placement.controller, "the controller"),
        (place_of(int(timing.pe_busy.argmax())), "the most busy"),
        (place_of(int(timing.pe_busy.argmin())), "the least busy"),
    ):
        chosen.setdefault(pe, why)
    return chosen


def _interval(
    pe: tuple[int, int], end: int, placement: Placement, plan: StepPlan, lowered: Lowered
) -> tuple[int, int]:
    """When the PE ends if all costs are at the lower ends of their ranges, and at the upper."""
    low = high = end
    for _, cost in (*lowered.controller_costs, *lowered.central_costs):
        low += cost.low_cycles - cost.cycles
        high += cost.high_cycles - cost.cycles
    for tensor in placement.tensors:
        piece = _piece_at(tensor, pe)
        if piece is None:
            continue
        for number in range(len(plan.costs.segments[tensor.parameter])):
            for cost in plan.totals(tensor.parameter, number, piece):
                low += cost.low_cycles - cost.cycles
                high += cost.high_cycles - cost.cycles
    return low, high


def _piece_at(tensor: TensorPlacement, pe: tuple[int, int]) -> Piece | None:
    region = tensor.region
    if not region.contains(*pe):
        return None
    position = (pe[0] - region.row) * region.cols + (pe[1] - region.col)
    for pes, piece in pieces_of(tensor):
        if position < pes:
            return piece
        position -= pes
    return None
