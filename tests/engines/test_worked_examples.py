"""Programs small enough to be worked out by hand, cycle by cycle."""

from __future__ import annotations

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
