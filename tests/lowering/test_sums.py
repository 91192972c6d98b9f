"""Single numbers are summed by a star where the vendor's kernels do, else as the planner says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import nn

import optimizers
from tests.lowering.agreed import agreed
from wse_emulator.activities import Activity, Chain, Star, Work
from wse_emulator.capture.step import capture_step
from wse_emulator.collectives import LineSet, all_reduce_2d, all_reduce_lines, root_of
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.alone import run_alone
from wse_emulator.kernels.all_reduce import start_of_collective
from wse_emulator.lowering.sums import sum_for_region, sum_in_lines, sum_of_region
from wse_emulator.program import StepProgram
from wse_emulator.summary.critical_path import pe_times
from wse_emulator.wafer import WSE2, WaferSpec
from wse_emulator.wafer.region import Region


def summed(rows: int, cols: int, spec: WaferSpec = WSE2, wavelets: int = 1) -> tuple[Activity, ...]:
    region = Region(0, 0, rows, cols)
    return sum_for_region(region, wavelets, spec, name="norm", channel="layer", op=0)


def cycles(activities: tuple[Activity, ...], spec: WaferSpec = WSE2) -> int:
    return run_alone(activities, spec).elapsed_cycles


@pytest.mark.parametrize(("pes", "reported"), [(11, 120), (39, 162), (55, 186), (128, 295)])
def test_a_row_takes_what_the_vendors_compiler_reports(pes: int, reported: int) -> None:
    """Within a cycle: 105 and 1.5 a PE."""
    assert cycles(summed(1, pes)) == 105 + (pes - 1) + pes // 2
    assert abs(cycles(summed(1, pes)) - reported) <= 1
    assert cycles(summed(pes, 1)) == cycles(summed(1, pes))


def test_lines_of_a_rectangle_are_summed_side_by_side() -> None:
    lines = LineSet(
        name="mean", region=Region(0, 0, 6, 39), axis="row", root=19, wavelets=1, channel="layer"
    )
    assert cycles(sum_in_lines(lines, WSE2, op=0)) == 162
    assert cycles(sum_in_lines(lines, replace(WSE2, star_line_pes=38), op=0)) == cycles(
        all_reduce_lines(lines, WSE2)
    )


def test_a_rectangle_takes_what_its_report_says() -> None:
    assert cycles(summed(147, 5)) == 250


@pytest.mark.parametrize(("rows", "cols"), [(1, 193), (193, 193), (7, 193)])
def test_the_star_reaches_as_far_as_it_was_seen(rows: int, cols: int) -> None:
    assert any(isinstance(a, Star) for a in summed(rows, cols))
    assert not any(isinstance(a, Chain) for a in summed(rows, cols))
    shorter = replace(WSE2, star_line_pes=192)
    planned = all_reduce_2d(
        Region(0, 0, rows, cols),
        root_of(Region(0, 0, rows, cols), "centre"),
        1,
        WSE2,
        name="norm",
        channel="layer",
    )
    assert summed(rows, cols, shorter) == planned


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 2), (2, 2), (3, 1), (4, 7), (7, 4)])
@pytest.mark.parametrize("wavelets", [1, 2])
def test_every_pe_sends_its_number_once(rows: int, cols: int, wavelets: int) -> None:
    """All PEs but one send; what they send arrives at the centre and goes back to all others."""
    activities = summed(rows, cols, wavelets=wavelets)
    timing = run_alone(activities, WSE2)
    touches = int(timing.pe_busy.sum())
    starts = sum(a.region.pes for a in activities if isinstance(a, Work))
    if rows * cols == 1:
        assert touches == 0
        return
    start = WSE2.kernels.star_start if min(rows, cols) == 1 else WSE2.kernels.rectangle_sum_start
    others = rows * cols - 1
    assert starts == rows * cols
    # a number is touched by its sender and by its taker; the result by the centre and the others
    assert touches == starts * start + wavelets * (2 * others + 1 + others)


def test_the_start_of_a_sum_is_a_field_of_the_machine() -> None:
    row = replace(WSE2, kernels=replace(WSE2.kernels, star_start=Fraction(201, 2)))
    assert cycles(summed(1, 39, row), row) == 162 + 101 - 93
    assert cycles(summed(6, 39, row), row) == cycles(summed(6, 39))
    rectangle = replace(WSE2, kernels=replace(WSE2.kernels, rectangle_sum_start=Fraction(0)))
    assert cycles(summed(147, 5, rectangle), rectangle) == 250 - 74


def step_of(optimizer: str, shape: tuple[int, int]) -> StepProgram:
    parameter = nn.Parameter(torch.empty(shape, device="meta"))
    return capture_step(getattr(optimizers, optimizer)([parameter], lr=0.01))


def starts(step: EmulatedStep) -> list[Work]:
    assert step.lowered is not None
    return [a for a in step.lowered.activities if isinstance(a, Work) and a.begins_collective]


def test_the_norms_of_a_layer_start_stars() -> None:
    """Lamb needs two norms of each tensor."""
    program = step_of("Lamb", (24, 36))
    step = emulate_step(program, WSE2.scaled(4, 6))
    assert len(starts(step)) >= 1
    planned = emulate_step(program, replace(WSE2.scaled(4, 6), star_line_pes=0))
    assert not starts(planned)
    assert step.timing is not None
    assert planned.timing is not None
    start = int(WSE2.kernels.rectangle_sum_start)
    assert step.timing.elapsed_cycles > planned.timing.elapsed_cycles + start // 2


@pytest.mark.parametrize("optimizer", ["Lamb", "Adafactor", "Muon"])
@pytest.mark.parametrize("cut", [(1, 5), (5, 1), (4, 6)], ids=str)
def test_both_engines_time_stars_in_a_step_alike(optimizer: str, cut: tuple[int, int]) -> None:
    agreed(step_of(optimizer, (24, 36)), *cut)


def test_statistics_of_rows_and_columns_stay_with_the_planner() -> None:
    """Adafactor: vectors along rows and columns have no fixed start, its means of all have one."""
    step = emulate_step(step_of("Adafactor", (24, 36)), WSE2.scaled(4, 6))
    assert step.lowered is not None
    activities = step.lowered.activities
    vectors = [a for a in activities if isinstance(a, (Chain, Star)) and a.wavelets != 1]
    assert vectors
    for vector in vectors:
        before = activities[activities.index(vector) - 1]
        assert not (isinstance(before, Work) and before.begins_collective)


def test_the_wait_for_a_start_is_time_of_the_sum_and_not_of_arithmetic() -> None:
    step = emulate_step(step_of("Lamb", (24, 36)), WSE2.scaled(4, 6))
    assert step.lowered is not None
    assert step.timing is not None
    (pe,) = pe_times([(0, 0)], step.placement, step.plan, step.lowered, step.timing)
    reduce = sum(p.end_cycle - p.start_cycle for p in pe.parts if p.phase == "reduce")
    assert reduce >= len(starts(step)) * WSE2.kernels.rectangle_sum_start


def test_a_global_norm_over_a_small_wafer_takes_the_star_and_over_a_large_one_the_tree() -> None:
    def sums(rows: int, cols: int) -> tuple[Activity, ...]:
        return sum_of_region(Region(0, 0, rows, cols), 1, WSE2, name="n", channel="c", op=3)

    assert any(isinstance(a, Work) and a.begins_collective for a in sums(16, 12))
    assert all(isinstance(a, Chain) for a in sums(595, 602))


def test_a_start_counts_to_the_op_that_is_named() -> None:
    work = start_of_collective("norm", Region(0, 0, 2, 3), Fraction(93), tensor=4, op=17)
    (chain,) = work.chains
    assert [(op.op, op.strip_cycles) for op in chain.ops] == [(17, 93)]
    assert (work.tensor, work.begins_collective) == (4, True)
