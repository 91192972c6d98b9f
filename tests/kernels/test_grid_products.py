"""Products on grids: what their formulas say, what the engines add, and both engines alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

import pytest

from tests.kernels.timed import disagreement, with_coefficient
from wse_emulator.activities import ProgramPart
from wse_emulator.engines.alone import run_alone
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.kernels.gemv import grouped_gemv, pipelined_gemv
from wse_emulator.kernels.grouped_all_reduce import grouped_all_reduce, grouping, usual_group
from wse_emulator.kernels.mesh_gemm import mesh_gemm
from wse_emulator.kernels.summa import summa_by_collectives, summa_on_two_colors
from wse_emulator.wafer import WSE2, WSE3, Region, WaferSpec

SLOW_LINKS = replace(WSE3, cycles_per_wavelet=Fraction(9, 8))
"""A WSE-3 as documented, whose links take as long as on silicon."""

HOP = 2


def square(pes: int) -> Region:
    return Region(0, 0, pes, pes)


def tile(side: int) -> tuple[int, int, int]:
    return side, side, side


@pytest.mark.parametrize(("pes", "side", "formula"), [(180, 12, 244_080), (720, 6, 427_680)])
def test_summa_on_two_colors(pes: int, side: int, formula: int) -> None:
    """A step is 264 + t (31 + t (2 + t / 4)); the last panels cross the grid on top of it."""
    assert pes * (264 + side * (31 + side * (2 + ceil(side / 4)))) == formula
    last_panels = 2 * (pes - 2) * HOP
    cycles = run_by_lines(summa_on_two_colors(square(pes), tile(side), SLOW_LINKS), SLOW_LINKS)
    assert cycles == formula + last_panels


def test_summa_by_collectives() -> None:
    """A step is 585 + 72 + 144 x 34."""
    cycles = run_by_lines(summa_by_collectives(square(180), tile(12), SLOW_LINKS), SLOW_LINKS)
    assert cycles == 999_540 + 2 * 178 * HOP


@pytest.mark.parametrize(
    ("pes", "side", "formula"), [(360, 24, 2_178_000), (540, 15, Fraction(6_105_456, 5))]
)
def test_mesh_gemm(pes: int, side: int, formula: Fraction) -> None:
    """Steps are whole cycles, P of the product and P / 2 of the alignment; the exchange at an end
    of a line is a hop shorter, and no tile goes round 3 / 2 rows and a column without 5 of them."""
    step = Fraction(256, 3) + side * (48 + side * (2 + ceil(side / 4)))
    aligned = Fraction(256, 3) + Fraction(9, 8) * side * side / 2
    assert abs(pes * step + pes // 2 * aligned - formula) < 1
    cycles = run_by_lines(mesh_gemm(square(pes), tile(side), SLOW_LINKS), SLOW_LINKS)
    assert cycles == pes * ceil(step) + pes // 2 * ceil(aligned) - 5 * HOP


def all_reduced(pes: int, group: int, sends: int, wavelets: int, spec: WaferSpec) -> int:
    """6 or 5 launches, stages in groups and between them, the way back, and as many streams."""
    groups, hop = pes // group, spec.hop_cycles
    root = groups // 2 * group + group // 2
    in_groups = max(group // 2, group - 1 - group // 2)
    between = max(groups // 2, groups - 1 - groups // 2)
    return (
        (4 + sends) * 16
        + in_groups * (11 + hop)
        + between * (11 + hop * group)
        + 5
        + hop * max(root, pes - 1 - root)
        + (4 + sends) * ceil(wavelets * spec.cycles_per_wavelet)
    )


@pytest.mark.parametrize("spec", [WSE2, SLOW_LINKS], ids=lambda spec: str(spec.name))
@pytest.mark.parametrize("sends", [1, 2])
@pytest.mark.parametrize(
    ("pes", "group"), [(360, 15), (600, 15), (720, 30), (420, 21), (660, 30), (40, 8), (64, 4)]
)
def test_a_grouped_all_reduce(pes: int, group: int, sends: int, spec: WaferSpec) -> None:
    line = Region(0, 0, 1, pes)
    for wavelets in (1, 12, 44):
        program = grouped_all_reduce(line, "row", wavelets, group, spec, both_ways=sends == 1)
        cycles = run_alone(program, spec.scaled(1, pes)).elapsed_cycles
        assert cycles == all_reduced(pes, group, sends, wavelets, spec)


def test_a_grouped_all_reduce_takes_the_part_of_each_pe() -> None:
    for pes in range(1, 30):
        for group in range(1, 12):
            groups = grouping(pes, group).groups
            taken = [pe for first, _, last in groups for pe in range(first, last + 1)]
            assert taken == list(range(pes))
            assert all(first <= middle <= last for first, middle, last in groups)
            middles = [middle for _, middle, _ in groups]
            assert {b - a for a, b in pairwise(middles)} <= {group}
    with pytest.raises(ValueError, match="groups of 0 PEs"):
        grouped_all_reduce(Region(0, 0, 1, 4), "row", 1, 0, WSE2, both_ways=True)


@pytest.mark.parametrize(("pes", "group"), [(360, 20), (600, 25), (7, 7), (1, 1)])
def test_the_usual_group(pes: int, group: int) -> None:
    assert usual_group(pes) == group


@pytest.mark.parametrize(
    ("pes", "side", "formula", "whole_cycles"),
    [
        (360, 24, 1_366, 3),  # 6 messages of 13.5 cycles each
        (600, 8, 1_718, 3),  # 6 of 4.5
    ],
)
def test_a_gemv_over_groups(pes: int, side: int, formula: int, whole_cycles: int) -> None:
    program = grouped_gemv(square(pes), (side, side), 15, SLOW_LINKS)
    assert run_by_lines(program, SLOW_LINKS) == formula + whole_cycles


def test_a_gemv_over_two_groups_of_two_has_half_the_streams() -> None:
    """356 cycles of multiply-adds. The last PE is the root: it takes one stream in its group and
    one from the other, and sends one; 16 wavelets each."""
    program = grouped_gemv(square(4), (32, 32), 2, WSE3)
    assert run_by_lines(program, WSE3) == 356 + 3 * 16 + 13 + 15 + 5 + 3 * HOP + 3 * 16


@pytest.mark.parametrize(
    ("pes", "side", "formula"), [(600, 6, Fraction(20_881, 2)), (120, 12, Fraction(3_506))]
)
def test_a_pipelined_gemv(pes: int, side: int, formula: Fraction) -> None:
    """Two messages, of 6.75 and of 13.5 cycles, are whole cycles on each link."""
    cycles = run_by_lines(pipelined_gemv(square(pes), (side, side), SLOW_LINKS), SLOW_LINKS)
    length = Fraction(9, 8) * side
    assert cycles == formula + 2 * (ceil(length) - length)


Kernel = Callable[[Region, WaferSpec], Sequence[ProgramPart]]
KERNELS: dict[str, Kernel] = {
    "mesh_gemm": lambda grid, spec: mesh_gemm(grid, (5, 3, 4), spec),
    "summa_on_two_colors": lambda grid, spec: summa_on_two_colors(grid, (5, 3, 4), spec),
    "summa_by_collectives": lambda grid, spec: summa_by_collectives(grid, (5, 3, 4), spec),
    "grouped_gemv": lambda grid, spec: grouped_gemv(grid, (6, 7), 3, spec),
    "both_ways": lambda grid, spec: grouped_gemv(grid, (6, 7), 3, spec, both_ways=True),
    "pipelined_gemv": lambda grid, spec: pipelined_gemv(grid, (6, 7), spec),
}


@pytest.mark.parametrize("spec", [WSE2, SLOW_LINKS], ids=lambda spec: str(spec.name))
@pytest.mark.parametrize("name", KERNELS)
def test_both_engines_agree_and_two_lines_tell_the_time_of_the_grid(
    name: str, spec: WaferSpec
) -> None:
    for pes in (1, 2, 3, 7):
        program = KERNELS[name](square(pes), spec)
        assert disagreement(program, spec) == []
        whole = run_alone(program, spec.scaled(pes, pes)).elapsed_cycles
        assert run_by_lines(program, spec) == whole
        assert run_by_lines(program, spec, engine="pe") == whole


@pytest.mark.deep
@pytest.mark.parametrize("name", KERNELS)
def test_both_engines_agree_on_a_thousand_pes(name: str) -> None:
    program = KERNELS[name](square(32), SLOW_LINKS)
    assert disagreement(program, SLOW_LINKS) == []
    whole = run_alone(program, SLOW_LINKS.scaled(32, 32)).elapsed_cycles
    assert run_by_lines(program, SLOW_LINKS) == whole


@pytest.mark.parametrize(
    ("name", "coefficient", "times"),
    [
        ("mesh_gemm", "shift_step", 9),  # 6 steps, 3 exchanges before them
        ("mesh_gemm", "stored_descriptor_loop", 18),  # 3 iterations a step
        ("summa_on_two_colors", "summa_step", 6),
        ("summa_by_collectives", "collective_call", 6),
        ("pipelined_gemv", "collective_call", 2),
    ],
)
def test_a_coefficient_counts_once_a_step(name: str, coefficient: str, times: int) -> None:
    cycles = run_by_lines(KERNELS[name](square(6), WSE2), WSE2)
    longer = with_coefficient(
        WSE2, coefficient, Fraction(getattr(WSE2.kernels, coefficient)) + 1_000
    )
    assert run_by_lines(KERNELS[name](square(6), longer), longer) == cycles + 1_000 * times


@pytest.mark.parametrize("kernel", [mesh_gemm, summa_on_two_colors, summa_by_collectives])
def test_tiles_of_two_operands_need_a_square_grid(kernel: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"square grid.*\[0, 0, 2, 3\]"):
        kernel(Region(0, 0, 2, 3), (4, 4, 4), WSE2)
