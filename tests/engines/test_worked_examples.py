"""Programs small enough to be worked out by hand, cycle by cycle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import (
    Activity,
    Chain,
    LineMulticast,
    Multicast,
    OpChain,
    Send,
    Shift,
    Star,
    VectorOp,
    Work,
)
from wse_emulator.engines import ENGINES, simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.wafer.region import PLANES, Region
from wse_emulator.wafer.spec import WaferSpec

engines = pytest.mark.parametrize("engine", ENGINES)


def run(engine: str, spec: WaferSpec, *program: Activity, op_count: int = 4) -> Timing:
    resident = np.zeros((spec.rows, spec.cols), np.int64)
    return simulate(engine, spec, program, resident_bytes=resident, op_count=op_count)


def work(region: Region, *cycles: int, op: int = 0) -> Work:
    """One op a PE, with its own cycles."""
    chains = tuple(OpChain((VectorOp(op, c),)) for c in cycles)
    return Work("work", region, chains, tuple((1, i) for i in range(len(cycles))))


@engines
def test_a_reduction_and_a_multicast_on_a_row(engine: str) -> None:
    row = Region(0, 0, 1, 4)
    timing = run(
        engine,
        machine(cols=4, ramp_cycles=2, queue_depth_wavelets=2),
        work(row, 30, 4, 10, 1),
        Chain("sum", row, "row", 0, 1, 4, 12, "sum"),
        work(Region(0, 0, 1, 1), 5, op=1),
        Multicast("rate", row, (0, 0), 1, "rate"),
    )
    assert timing.elapsed_cycles == 56
    assert timing.pe_final.tolist() == [[48, 54, 55, 56]]
    assert timing.pe_busy.tolist() == [[48, 17, 23, 14]]
    assert timing.activity_start.tolist() == [0, 1, 42, 14]
    assert timing.activity_end.tolist() == [30, 42, 47, 56]
    assert timing.op_start.tolist() == [0, 42, -1, -1]
    assert timing.op_end.tolist() == [30, 47, -1, -1]
    east, west, south, north, down = timing.link_busy[:, 0].tolist()
    assert (east, west) == ([1, 1, 1, 0], [0, 12, 12, 12])
    assert south == north == [0, 0, 0, 0]
    assert down == [12, 13, 13, 1]


@engines
def test_two_channels_meet_on_a_link(engine: str) -> None:
    timing = run(
        engine,
        machine(rows=2, cols=3, ramp_cycles=2, queue_depth_wavelets=6),
        Send("x", (0, 0), (0, 2), 10, "x"),
        Send("y", (0, 1), (1, 2), 4, "y"),
    )
    # both heads are at their routers at 3; y holds the link (0, 1) east until 7, x waits for it
    assert timing.pe_final.tolist() == [[10, 4, 20], [0, 0, 11]]
    assert timing.activity_end.tolist() == [20, 11]
    assert timing.link_busy[PLANES.index("E")].tolist() == [[10, 14, 0], [0, 0, 0]]
    assert timing.link_busy[PLANES.index("S")].tolist() == [[0, 0, 4], [0, 0, 0]]


@engines
@pytest.mark.parametrize(
    ("busy_pe", "cycles", "channel_of_near", "ends"),
    [
        # different channels, both heads at the router of PE (0, 1) in cycle 2: the earlier
        # activity goes first, grants in 2 and 7
        (1, 1, "b", [1, 8, 14]),
        # one channel: "far" goes first though it is at the link 50 cycles after "near"
        (0, 50, "a", [50, 58, 64]),
        # different channels again: "near" does not wait for a source that still works
        (0, 50, "b", [50, 58, 8]),
    ],
)
def test_who_goes_first_on_a_link(
    engine: str, busy_pe: int, cycles: int, channel_of_near: str, ends: list[int]
) -> None:
    timing = run(
        engine,
        machine(cols=4, ramp_cycles=0, queue_depth_wavelets=99),
        work(Region(0, busy_pe, 1, 1), cycles),
        Send("far", (0, 0), (0, 2), 5, "a"),
        Send("near", (0, 1), (0, 3), 5, channel_of_near),
    )
    assert timing.activity_end.tolist() == ends


@engines
def test_a_star_is_taken_nearest_first(engine: str) -> None:
    row = Region(0, 0, 1, 4)
    timing = run(
        engine,
        machine(cols=4, ramp_cycles=2, queue_depth_wavelets=9),
        work(row, 0, 40, 0, 0),
        Star("sum", row, "row", 0, 1, 4, 3, "sum"),
    )
    # the nearest leaf starts at 40, so all others wait behind it: 40 + 6, then 3 a leaf
    assert timing.pe_final.tolist() == [[55, 43, 3, 3]]
    assert timing.pe_busy.tolist() == [[9, 43, 3, 3]]


@engines
@pytest.mark.parametrize(
    ("pes", "sinks"),
    [
        (1, []),
        (2, [1, 0]),
        (3, [2, 0, 1]),
        (4, [2, 0, 3, 1]),
        (7, [2, 0, 4, 1, 6, 3, 5]),
    ],
)
def test_a_shift_alone(engine: str, pes: int, sinks: list[int]) -> None:
    spec = machine(cols=pes, ramp_cycles=2, hop_cycles=2, cycles_per_wavelet=Fraction(9, 8))
    shift = Shift("shift", Region(0, 0, 1, pes), "row", 11, "s")
    timing = run(engine, spec, shift)
    assert [sink for _, sink in sorted(shift.moves)] == sinks
    # 11 wavelets take 12.375 cycles; the ends of the line have their message one hop earlier
    ends = {k: 13 + 5 + 2 * abs(k - sink) for k, sink in sorted(shift.moves)}
    assert timing.pe_final.tolist() == [
        [ends[sinks.index(k)] for k in range(pes)] if sinks else [0]
    ]
    assert timing.pe_busy.tolist() == [[13 if sinks else 0] * pes]
    east, west, _, _, down = timing.link_busy[:, 0].tolist()
    assert east == [13] * (pes - 1) + [0]
    assert west == [0] + [13] * (pes - 1)
    assert down == timing.pe_busy[0].tolist()


@engines
def test_a_late_pe_holds_the_one_that_sends_to_it_and_nobody_else(engine: str) -> None:
    row = Region(0, 0, 1, 5)  # 0 -> 2 -> 4 -> 3 -> 1 -> 0
    timing = run(
        engine,
        machine(cols=5, ramp_cycles=2, queue_depth_wavelets=3),
        work(row, 1, 1, 90, 1, 1),
        Shift("shift", row, "row", 20, "s"),
    )
    # PE 2 takes from 90 on, what it sends is at PE 4 in 90 + 7; PE 0 has room for 7 + 3 on the way
    assert timing.pe_final.tolist() == [[90 + 20 - 10, 28, 110, 27, 117]]
    assert timing.pe_busy.tolist() == [[21, 21, 110, 21, 21]]
    assert timing.activity_start.tolist() == [0, 1]


@engines
def test_shifts_of_rows_and_columns_share_no_link(engine: str) -> None:
    grid = Region(1, 0, 3, 4)
    timing = run(
        engine,
        machine(rows=4, cols=4, ramp_cycles=2),
        Shift("across", grid, "row", 9, "a"),
        Shift("down", grid, "column", (4, 9, 9, 9), "b"),
    )
    # an inner PE has taken 9 wavelets at 9 + 7; its column begins then
    assert timing.activity_end.tolist() == [16, 32]
    assert timing.link_busy[:, 0].max() == 0  # nothing passes the row above
    assert timing.link_busy.sum(axis=(1, 2)).tolist() == [81, 81, 62, 62, 201]


@engines
def test_another_channel_on_the_same_link_delays_a_shift(engine: str) -> None:
    row = Region(0, 0, 1, 4)
    timing = run(
        engine,
        machine(cols=4, ramp_cycles=0, queue_depth_wavelets=99),
        Send("first", (0, 0), (0, 1), 30, "a"),
        work(Region(0, 1, 1, 1), 0),
        Shift("shift", row, "row", 5, "b"),
    )
    # PE 0 joins the shift at 30; PE 1, which takes the first message until 32, sends at 32
    assert timing.activity_end.tolist() == [32, -1, 39]


@engines
@pytest.mark.parametrize(("software", "stage"), [(False, 6), (True, 12)])
def test_a_stage_of_a_chain_in_software_starts_a_task(
    engine: str, software: bool, stage: int
) -> None:
    row = Region(0, 0, 1, 5)
    timing = run(
        engine,
        machine(cols=5, ramp_cycles=2, queue_depth_wavelets=9),
        Chain("sum", row, "row", 0, 1, 5, 8, "s", software=software),
    )
    assert timing.pe_final.tolist() == [[(4 - k) * stage + 8 for k in range(5)]]
    assert timing.pe_busy.tolist() == [[8] * 5]


@engines
def test_a_task_in_software_starts_while_its_pe_is_busy_and_the_queue_fills(engine: str) -> None:
    row = Region(0, 0, 1, 3)
    timing = run(
        engine,
        machine(cols=3, ramp_cycles=2, queue_depth_wavelets=2),
        work(row, 0, 15, 0),
        Chain("sum", row, "row", 0, 1, 3, 30, "s", software=True),
    )
    # PE 1 begins when it is ready, at 15, and PE 0 12 cycles later, at 27; 8 wavelets have room
    # between two PEs, 16 as far as PE 2
    assert timing.pe_final.tolist() == [[57, 49, 41]]


@engines
def test_an_op_runs_strip_by_strip(engine: str) -> None:
    chain = OpChain(
        (
            VectorOp(0, 7, once=True),
            VectorOp(1, 20, 5, allocates_bytes=100),
            VectorOp(2, 10, 4, releases_bytes=100),
        ),
        strips=2,
        tail=True,
    )
    timing = run(engine, machine(), Work("w", Region(0, 0, 1, 1), (chain,), ((1, 0),)))
    # 7 | 20 10 | 20 10 | 5 4
    assert timing.op_start.tolist() == [0, 7, 27, -1]
    assert timing.op_end.tolist() == [7, 72, 76, -1]
    assert timing.temporary_bytes.tolist() == [0] * 7 + [100] * 69
    assert timing.sram_peak.tolist() == [[100]]


@engines
@pytest.mark.parametrize(
    "idle",
    [
        Chain("c", Region(0, 0, 2, 2), "row", 0, 1, 2, 0, "c"),
        Chain("c", Region(0, 0, 2, 2), "row", 0, 1, 1, 9, "c"),
        Chain("c", Region(0, 0, 2, 2), "row", 0, 1, 2, 9, "c", group=1),
        Star("s", Region(0, 0, 2, 2), "row", 0, 1, 1, 9, "c"),
        Shift("t", Region(0, 0, 1, 2), "column", 9, "c"),
        Shift("t", Region(0, 0, 2, 2), "row", 0, "c"),
        Multicast("m", Region(0, 0, 1, 1), (0, 0), 9, "c"),
        Multicast("m", Region(0, 0, 2, 2), (0, 0), 0, "c"),
        LineMulticast("l", Region(0, 0, 1, 2), "column", 0, 9, "c"),
        Send("s", (1, 1), (1, 1), 9, "c"),
        Work("w", Region(0, 0, 2, 2), (OpChain((VectorOp(0, 0),)),), ((4, 0),)),
    ],
)
def test_who_has_nothing_to_do_takes_no_part(engine: str, idle: Activity) -> None:
    timing = run(engine, machine(rows=2, cols=2), idle)
    assert timing.elapsed_cycles == 0
    assert timing.activity_start.tolist() == timing.activity_end.tolist() == [-1]
    assert not timing.pe_busy.any()
    assert not timing.link_busy.any()


@engines
def test_lines_may_differ_in_length(engine: str) -> None:
    timing = run(
        engine,
        machine(rows=3, cols=2, ramp_cycles=0, queue_depth_wavelets=99),
        Chain("c", Region(0, 0, 3, 2), "row", 0, 1, 2, (4, 0, 7), "c"),
    )
    assert timing.pe_final.tolist() == [[6, 4], [0, 0], [9, 7]]


@engines
def test_an_empty_program_takes_no_time(engine: str) -> None:
    timing = run(engine, machine(rows=2, cols=2), op_count=0)
    assert timing.elapsed_cycles == 0
    assert timing.busy_pes.size == 0
