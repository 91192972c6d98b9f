"""Times of collectives: the engine's, the rules written out, and the published formula."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.collectives import (
    LineAlgorithm,
    LineSet,
    all_reduce_2d,
    candidates,
    cheapest,
    reduce_lines,
    ring_all_reduce,
    root_of,
)
from wse_emulator.collectives.bounds import broadcast_terms, reduce_terms, ring_cycles
from wse_emulator.collectives.compose import all_reduce_lines, line_arms
from wse_emulator.collectives.line_time import broadcast_cycles, reduce_cycles
from wse_emulator.engines.alone import run_alone
from wse_emulator.wafer import WSE1, WSE2, Region, WaferSpec
from wse_emulator.wafer.messages import message_cycles

ALGORITHMS = [
    LineAlgorithm("star"),
    LineAlgorithm("chain"),
    LineAlgorithm("tree"),
    LineAlgorithm("two-phase", 4),
]


def line(pes: int, root: int, wavelets: int) -> LineSet:
    region = Region(0, 0, 1, pes)
    return LineSet(
        name="sum", region=region, axis="row", root=root, wavelets=wavelets, channel="sum"
    )


def elapsed(algorithm: LineAlgorithm, pes: int, wavelets: int, spec: WaferSpec = WSE2) -> int:
    activities = reduce_lines(line(pes, 0, wavelets), algorithm)
    return run_alone(activities, spec.scaled(1, pes)).elapsed_cycles


@given(
    pes=st.integers(1, 20),
    root=st.integers(0, 19),
    wavelets=st.integers(0, 40),
    algorithm=st.sampled_from(ALGORITHMS),
    hop=st.integers(1, 2),
    ramp=st.integers(0, 3),
    queue=st.integers(0, 8),
)
def test_the_written_out_rules_are_the_engine(
    pes: int, root: int, wavelets: int, algorithm: LineAlgorithm, hop: int, ramp: int, queue: int
) -> None:
    spec = replace(
        WSE2.scaled(1, pes), hop_cycles=hop, ramp_cycles=ramp, queue_depth_wavelets=queue
    )
    root = min(root, pes - 1)
    lines = line(pes, root, wavelets)
    timing = run_alone(reduce_lines(lines, algorithm), spec)
    arms = line_arms(0, pes, root)
    assert int(timing.pe_final[0, root]) == reduce_cycles(algorithm, arms, wavelets, spec)


@pytest.mark.parametrize("pes", [2, 5, 16, 64])
@pytest.mark.parametrize("wavelets", [1, 16, 300])
def test_chain_and_star_against_the_published_formula(pes: int, wavelets: int) -> None:
    chain, star = LineAlgorithm("chain"), LineAlgorithm("star")
    assert elapsed(chain, pes, wavelets) == reduce_terms(chain, pes, wavelets).cycles(WSE2)
    # the formula leaves out one touch
    assert elapsed(star, pes, wavelets) == reduce_terms(star, pes, wavelets).cycles(WSE2) + 1


@pytest.mark.parametrize(("pes", "group"), [(16, 4), (64, 8), (36, 6), (48, 12)])
@pytest.mark.parametrize("wavelets", [1, 16, 300])
def test_two_phase_is_the_published_formula_where_groups_divide(
    pes: int, group: int, wavelets: int
) -> None:
    algorithm = LineAlgorithm("two-phase", group)
    published = reduce_terms(algorithm, pes, wavelets).cycles(WSE2)
    assert elapsed(algorithm, pes, wavelets) == published


@pytest.mark.parametrize("rounds", [1, 3, 6])
@pytest.mark.parametrize("wavelets", [1, 16, 300])
def test_a_tree_adds_its_distance_to_the_published_contention(rounds: int, wavelets: int) -> None:
    pes, tree = 1 << rounds, LineAlgorithm("tree")
    simulated = elapsed(tree, pes, wavelets)
    assert simulated == (wavelets + 2 * WSE2.ramp_cycles + 1) * rounds + pes - 1
    published = reduce_terms(tree, pes, wavelets).cycles(WSE2)
    assert published <= simulated <= published + pes - 1


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 2), (1, 40), (6, 1), (7, 9)])
def test_broadcast_is_the_published_formula(rows: int, cols: int) -> None:
    spec, region = WSE2.scaled(rows, cols), Region(0, 0, rows, cols)
    activities = all_reduce_2d(region, (0, 0), 8, spec, name="b", channel="b")[-1:]
    timing = run_alone(activities, spec)
    assert timing.elapsed_cycles == broadcast_terms(rows, cols, 8).cycles(WSE2)
    assert timing.elapsed_cycles == broadcast_cycles(rows + cols - 2, 8, spec)


@pytest.mark.parametrize("pes", [2, 3, 8, 13])
@pytest.mark.parametrize("wavelets", [1, 64, 260])
def test_a_ring_pays_for_sending_and_taking(pes: int, wavelets: int) -> None:
    region = Region(0, 0, 1, pes)
    spec = WSE2.scaled(1, pes)
    activities = ring_all_reduce(region, wavelets, name="ring", channel="ring")
    simulated = run_alone(activities, spec).elapsed_cycles
    published = ring_cycles(pes, wavelets, spec)
    # a PE's touches never overlap: it sends a piece and takes another, one after the other; a ring
    # of odd length has one place where three pieces follow each other
    most = 2.1 if pes % 2 == 0 else 2.7
    assert published < simulated <= most * published


def test_the_planner_takes_what_is_cheapest_on_the_engine() -> None:
    for pes in (2, 7, 24):
        for wavelets in (1, 12, 200):
            ranked = candidates((pes,), wavelets, WSE2)
            times = [elapsed(candidate.algorithm, pes, wavelets) for candidate in ranked]
            assert times == sorted(times)
            assert times == [candidate.cycles for candidate in ranked]


def test_what_the_planner_takes_by_size() -> None:
    assert cheapest((20,), 1, WSE2).algorithm.kind == "star"
    assert cheapest((376, 375), 1, WSE2).algorithm.kind == "tree"
    assert cheapest((512,), 200, WSE2).algorithm.kind == "two-phase"
    assert cheapest((64,), 4096, WSE2).algorithm.kind == "chain"
    assert cheapest((1,), 4096, WSE2).cycles == 0


def test_a_scalar_all_reduce_is_its_parts() -> None:
    spec, region = WSE1.scaled(9, 14), Region(0, 0, 9, 14)
    root = root_of(region, "centre")
    assert root == (4, 7)
    activities = all_reduce_2d(region, root, 1, spec, name="norm", channel="norm")
    rows = cheapest(line_arms(0, 14, 7), 1, spec).cycles
    column = cheapest(line_arms(0, 9, 4), 1, spec).cycles
    back = broadcast_cycles(4 + 7, 1, spec)
    assert run_alone(activities, spec).elapsed_cycles == rows + column + back


def test_lines_of_unequal_length_reduce_and_get_their_sums_back() -> None:
    spec = WSE2.scaled(3, 8)
    lines = LineSet(
        name="row means",
        region=Region(0, 0, 3, 8),
        axis="row",
        root=0,
        wavelets=(5, 4, 0),
        channel="means",
    )
    timing = run_alone(all_reduce_lines(lines, spec), spec)
    assert (timing.pe_busy[0] > 0).all()
    assert (timing.pe_busy[2] == 0).all()
    assert timing.pe_final[0].max() > timing.pe_final[1].max()


@given(st.integers(0, 10**6), st.fractions(1, 4, max_denominator=64))
def test_a_message_lasts_its_wavelets_rounded_up_to_whole_cycles(
    wavelets: int, cycles_per_wavelet: Fraction
) -> None:
    cycles = message_cycles(wavelets, replace(WSE2, cycles_per_wavelet=cycles_per_wavelet))
    assert cycles - 1 < wavelets * cycles_per_wavelet <= cycles
