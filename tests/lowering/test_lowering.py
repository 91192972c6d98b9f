"""Lowering: the rate is computed on the controller, travels, and then every PE runs its chains."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import optimizers
import schedulers
from wse_emulator.activities import Multicast, Work
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.placement.pieces import pieces_of
from wse_emulator.program import StepProgram
from wse_emulator.wafer import WSE2, WSE3
from wse_emulator.wafer.spec import WaferSpec


def program(layers: int = 6, *, scheduled: bool = True) -> StepProgram:
    with torch.device("meta"):
        model = nn.Sequential(*(nn.Linear(20, 20) for _ in range(layers)))
    optimizer = optimizers.AdamW(model.parameters())
    scheduler = schedulers.LinearLR(optimizer, 1.0, 0.0, 10) if scheduled else None
    return capture_step(optimizer, scheduler, model=model)


def emulated(spec: WaferSpec, **options: bool) -> EmulatedStep:
    return emulate_step(program(**options), spec)  # type: ignore[arg-type]


def test_activities_come_in_step_order() -> None:
    step = emulated(WSE2.scaled(8, 8))
    assert step.lowered is not None
    first, second, *rest = step.lowered.activities
    assert isinstance(first, Work)
    assert (first.region.row, first.region.col) == step.placement.controller
    assert first.region.pes == 1
    assert isinstance(second, Multicast)
    assert second.root == step.placement.controller
    assert second.region.pes == 64
    assert second.wavelets == 1
    assert all(isinstance(activity, Work) for activity in rest)
    assert [activity.tensor for activity in rest] == list(range(12))


def test_without_a_schedule_nothing_travels() -> None:
    step = emulated(WSE2.scaled(8, 8), scheduled=False)
    assert step.lowered is not None
    assert not any(isinstance(activity, Multicast) for activity in step.lowered.activities)
    assert step.timing is not None
    assert int(step.timing.link_busy.sum()) == 0


@pytest.mark.parametrize("preset", [WSE2, WSE3], ids=["hop 1", "hop 2"])
@pytest.mark.parametrize("engine", ["array", "pe"])
def test_a_far_region_gets_the_rate_later_by_its_hop_distance(
    preset: WaferSpec, engine: str
) -> None:
    """A region's first op starts when the rate reaches its nearest PE, hop by hop."""
    spec = preset.scaled(9, 12)
    step = emulate_step(program(), spec, engine)
    assert step.timing is not None
    row, col = step.placement.controller
    arrivals = {}
    for layer in step.placement.layers:
        region = layer.region
        first_tensor = step.placement.tensors[layer.tensors[0]]
        assert all(n for _, n in first_tensor.runs)  # every PE of the region runs its ops
        first_op = step.program.ops_of(layer.tensors[0])[0]
        distance = min(
            abs(r - row) + abs(c - col)
            for r in range(region.row, region.row_stop)
            for c in range(region.col, region.col_stop)
        )
        arrivals[distance] = int(step.timing.op_start[first_op.index])
    assert len(arrivals) > 2
    near = min(d for d in arrivals if d > 0)
    for distance, start in arrivals.items():
        if distance > 0:
            assert start - arrivals[near] == (distance - near) * spec.hop_cycles
    latency = spec.touch_cycles + 2 * spec.ramp_cycles + near * spec.hop_cycles
    controller_cycles = sum(c.cycles for _, c in step.lowered.controller_costs)  # type: ignore[union-attr]
    assert arrivals[near] == controller_cycles + latency + 1  # and one cycle to take it


def test_sram_peaks_are_those_of_the_plan() -> None:
    step = emulated(WSE2.scaled(5, 3))
    assert step.timing is not None
    assert (step.timing.sram_peak == step.plan.memory.peak_bytes).all()


def test_busy_cycles_are_the_costs_of_the_shards() -> None:
    step = emulated(WSE2.scaled(4, 4))
    assert step.timing is not None
    assert step.lowered is not None
    work = sum(
        pes * step.plan.costs.cycles(tensor.parameter, piece, strip.elements)
        for tensor, strip in zip(step.placement.tensors, step.plan.strips, strict=True)
        for pes, piece in pieces_of(tensor)
    )
    controller = sum(cost.cycles for _, cost in step.lowered.controller_costs)
    touches = 16  # one wavelet touched once at the source and once at each of 15 sinks
    assert int(step.timing.pe_busy.sum()) == work + controller + touches


def test_two_groups_with_rates_of_their_own_are_two_broadcasts() -> None:
    a, b = (nn.Parameter(torch.empty(8, 8, device="meta")) for _ in range(2))
    optimizer = optimizers.SGD([{"params": [a]}, {"params": [b]}], lr=0.1)
    for group in optimizer.param_groups:
        group["lr"] = torch.zeros((), device="meta")
    step = emulate_step(capture_step(optimizer), WSE2.scaled(4, 4))
    assert step.lowered is not None
    assert step.lowered.broadcasts == ("lr[0]", "lr[1]")
