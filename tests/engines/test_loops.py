"""Loops: a program with loops is its unrolled program, in both engines, and equal passes are
jumped over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.engines.drawn import machine
from tests.engines.looped import looped_case, timed, unlike_unrolled
from wse_emulator.activities import (
    Activity,
    LineMulticast,
    Loop,
    OpChain,
    ProgramPart,
    Send,
    VectorOp,
    Work,
    unroll,
)
from wse_emulator.engines import ENGINES, simulate
from wse_emulator.engines.alone import run_alone
from wse_emulator.engines.array import loops
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.settling import settle
from wse_emulator.engines.array.watch import bookings_at, releases_at
from wse_emulator.engines.digest import digest
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import CollectiveError, ColorsExhaustedError, SramOverflowError
from wse_emulator.wafer.region import PLANES, Region
from wse_emulator.wafer.spec import WaferSpec

engines = pytest.mark.parametrize("engine", ENGINES)
ROW = Region(0, 0, 1, 4)


def work(*cycles: int, region: Region | None = None) -> Work:
    """One op a PE of a row, with its own cycles."""
    chains = tuple(OpChain((VectorOp(0, c),)) for c in cycles)
    runs = tuple((1, i) for i in range(len(cycles)))
    return Work("work", region or Region(0, 0, 1, len(cycles)), chains, runs)


def run(engine: str, spec: WaferSpec, *program: ProgramPart, over_time: bool = False) -> Timing:
    resident = np.zeros((spec.rows, spec.cols), np.int64)
    return simulate(engine, spec, program, resident_bytes=resident, op_count=1, over_time=over_time)


def runs_of(spec: WaferSpec, *program: ProgramPart) -> int:
    """How many activities the array engine runs for a program."""
    seen: list[int] = []
    tables = ChainTables()
    settle(spec, program, 1, tables, lambda leaf, _: seen.append(leaf), most_waiting=None)
    return len(seen)


def differ(seed: int) -> list[str]:
    """In what the engines' answers for a random program differ from that for its unrolled one."""
    case = looped_case(seed)
    program = case.activities
    plain = tuple(activity for _, activity in unroll(program))
    by_pe = timed("pe", case, plain, over_time=False)
    return [
        f"{engine} engine: {name}"
        for engine in ("pe", "array")
        for name in unlike_unrolled(program, timed(engine, case, program, over_time=False), by_pe)
    ]


def test_random_programs_with_loops_equal_the_unrolled_ones() -> None:
    assert {seed: found for seed in range(120) if (found := differ(seed))} == {}


@pytest.mark.deep
def test_random_programs_with_loops_equal_the_unrolled_ones_in_a_long_search() -> None:
    assert {seed: found for seed in range(1_000, 21_000) if (found := differ(seed))} == {}


@pytest.mark.deep
def test_the_search_notices_a_jump_without_its_last_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "goes_on", lambda *_: True)
    assert any(differ(seed) for seed in range(1_000, 3_000))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_in_use_in_each_cycle_is_that_of_the_unrolled_program(seed: int) -> None:
    case = looped_case(seed)
    plain = tuple(activity for _, activity in unroll(case.activities))
    unrolled = timed("pe", case, plain, over_time=True)
    for engine in ENGINES:
        looped = timed(engine, case, case.activities, over_time=True)
        assert unlike_unrolled(case.activities, looped, unrolled) == []
        assert digest(looped) == digest(unrolled)
    assert unrolled.busy_pes.size == unrolled.elapsed_cycles


@engines
def test_pes_may_add_different_cycles_in_a_pass(engine: str) -> None:
    spec = machine(cols=4, ramp_cycles=2, queue_depth_wavelets=6)
    body = (LineMulticast("panel", ROW, "row", 0, 2, "a"), work(10, 30, 20, 5))
    for times, released in (
        (0, [0, 0, 0, 0]),
        (1, [12, 38, 29, 15]),
        (2, [24, 70, 51, 27]),
        (100, [1200, 3206, 2207, 1203]),
    ):
        timing = run(engine, spec, Loop(body, times))
        assert timing.pe_final.tolist() == [released]
        assert timing.pe_busy.tolist() == [[12 * times, 32 * times, 22 * times, 7 * times]]
    # the first panel is sent at 0 and the last taken at 3174; the works begin at 2 and end at 3206
    assert timing.activity_start.tolist() == [0, 2]
    assert timing.activity_end.tolist() == [3176, 3206]
    assert (timing.op_start[0], timing.op_end[0]) == (2, 3206)
    assert timing.link_busy[PLANES.index("E")].tolist() == [[200, 200, 200, 0]]


def test_equal_passes_are_jumped_over() -> None:
    spec = machine(cols=4, ramp_cycles=2, queue_depth_wavelets=6)
    body = (LineMulticast("panel", ROW, "row", 0, 2, "a"), work(10, 30, 20, 5))
    # passes 1 to 3, of which the last two add the same, and the last one
    assert runs_of(spec, Loop(body, 100)) == runs_of(spec, Loop(body, 10**9)) == 4 * 2
    assert runs_of(spec, Loop((*body, Loop(body, 50)), 50)) < 100


OVERTAKEN = (
    work(100, 100, 0),
    Loop(
        (
            Send("on", (0, 1), (0, 0), 1, "a"),
            Send("in", (0, 2), (0, 1), 1, "a"),
            work(0, 0, 9),
        ),
        20,
    ),
)
"""PEs 0 and 1 are 100 cycles ahead, and each pass adds 2 to them; PE 2 needs 10. From pass 14 on
PE 1 waits for PE 2, and from pass 15 on PE 0 for PE 1."""


@engines
def test_a_pass_that_adds_something_else_ends_the_jump(engine: str) -> None:
    assert run(engine, machine(cols=3, ramp_cycles=0), *OVERTAKEN).pe_final.tolist() == [
        [186, 193, 200]
    ]


def test_without_its_last_check_a_jump_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "goes_on", lambda *_: True)
    by_jump = run("array", machine(cols=3, ramp_cycles=0), *OVERTAKEN)
    assert by_jump.pe_final.tolist() == [[141, 193, 200]]


def test_a_broken_step_costs_few_passes() -> None:
    start, loop = OVERTAKEN
    spec = machine(cols=3, ramp_cycles=0)
    late = (work(10_000, 10_000, 0), Loop(loop.body, 5_000))
    assert run("array", spec, *late).pe_final.tolist() == [[49_986, 49_993, 50_000]]
    assert runs_of(spec, *late) < 60 * 3
    assert runs_of(spec, start, loop) < 20 * 3


@engines
def test_a_loop_whose_channels_meet_runs_pass_by_pass(engine: str) -> None:
    """Both messages ask for the ramp of PE 1, first come, first served."""
    spec = machine(cols=4, ramp_cycles=2)
    body = (
        Send("a", (0, 0), (0, 1), 9, "a"),
        Send("b", (0, 3), (0, 1), 5, "b"),
        work(3, 1, 4, 1),
    )
    looped = run(engine, spec, Loop(body, 8))
    unrolled = run("pe", spec, *body * 8)
    assert unlike_unrolled([Loop(body, 8)], looped, unrolled) == []
    assert runs_of(spec, Loop(body, 8)) % (8 * 3) == 0


@engines
def test_another_channel_before_a_loop_is_waited_for(engine: str) -> None:
    spec = machine(cols=4, ramp_cycles=2)
    before = Send("long", (0, 0), (0, 2), 300, "b")
    loop = Loop((Send("a", (0, 1), (0, 3), 2, "a"), work(0, 1, 0, 1)), 40)
    plain = [activity for _, activity in unroll([before, loop])]
    looped, unrolled = run(engine, spec, before, loop), run("pe", spec, *plain)
    assert unlike_unrolled([before, loop], looped, unrolled) == []


@engines
@pytest.mark.parametrize(
    "idle",
    [(), (Send("to itself", (0, 1), (0, 1), 5, "a"),), (Send("none", (0, 0), (0, 1), 0, "a"),)],
)
def test_a_body_that_does_nothing_takes_no_time(engine: str, idle: tuple[Activity, ...]) -> None:
    timing = run(engine, machine(cols=2), Loop((Loop(idle, 9), Loop((), 3)), 50), work(4, 2))
    assert timing.elapsed_cycles == 4
    assert timing.activity_start.tolist() == [*[-1] * len(idle), 0]


@engines
def test_a_loop_of_no_times_never_runs(engine: str) -> None:
    spec = machine(cols=2, colors=2, reserved_colors=1)
    never = Loop((Send("a", (0, 0), (0, 1), 3, "a"), work(5, 5)), 0)
    timing = run(engine, spec, never, Send("b", (0, 0), (0, 1), 3, "b"))
    assert timing.activity_end.tolist()[:2] == [-1, -1]
    assert timing.activity_end[2] > 0
    with pytest.raises(ColorsExhaustedError):  # both channels run, and there is one color
        run(engine, spec, Loop(never.body, 1), Send("b", (0, 0), (0, 1), 3, "b"))


def test_a_loop_of_fewer_than_no_times_is_refused() -> None:
    with pytest.raises(ValueError, match="loop 'rounds': -1 times"):
        Loop((), -1, name="rounds")


def kept(takes: int, gives: int) -> Work:
    chain = OpChain((VectorOp(0, 5, allocates_bytes=takes, releases_bytes=gives),))
    return Work("kept", Region(0, 0, 1, 1), (chain,), ((1, 0),))


@engines
def test_bytes_that_each_pass_keeps_add_up(engine: str) -> None:
    program = (Loop((kept(100, 40), Loop((kept(10, 0),), 3)), 20), kept(0, 1_800))
    # 90 bytes a pass: the last finds 1,710 and takes 100 more before it gives 40 back
    assert run(engine, machine(), *program).sram_peak.tolist() == [[1_810]]
    # and where each pass gives back more than it takes, the first has the peak
    program = (kept(1_800, 0), Loop((kept(10, 100),), 20))
    assert run(engine, machine(), *program).sram_peak.tolist() == [[1_810]]


@engines
def test_the_pass_that_runs_out_of_memory_stops_the_run(engine: str) -> None:
    program = (Loop((kept(100, 0),), 600), kept(0, 60_000))
    with pytest.raises(SramOverflowError, match="needs 49,200 bytes when op 0 of 'kept' starts"):
        run(engine, machine(sram_bytes_per_pe=49_152), *program)


def test_a_run_alone_is_limited_by_its_passes() -> None:
    def of(times: int) -> Sequence[ProgramPart]:
        return [Loop((work(1_000),), times)]

    assert run_alone(of(40_000), machine()).elapsed_cycles == 40_000_000
    with pytest.raises(CollectiveError, match="60,000,000 cycles"):
        run_alone(of(60_000), machine())


def test_single_pes_and_links_can_be_watched() -> None:
    spec = machine(cols=2, ramp_cycles=0)
    loop = Loop((Send("a", (0, 0), (0, 1), 3, "a"), work(5, 1)), 9)
    released = releases_at(spec, [loop, work(1, 1)], [(0, 0), (0, 1)], op_count=1)
    # PE 0 sends in [8 k, 8 k + 3) and works until 8 k + 8; the head takes 2 cycles to PE 1
    assert released.tolist() == [[67, 69], [72, 70], [73, 71]]
    (uses,) = bookings_at(spec, [work(0, 7), loop], [(0, 0, 0)], op_count=1)
    assert [tuple(use) for use in uses] == [(1, 8 * k + 1, 8 * k + 4) for k in range(9)]
