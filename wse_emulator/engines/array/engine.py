"""The array engine: the times of all PEs of an activity at once, with NumPy.

The times of all PEs and links are settled first. Then every activity runs as a SimPy process of its
own, from its first ready PE to its last release, and the clock has to stop when the last PE is
done.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from simpy import Environment
from simpy.events import Event

from wse_emulator.activities import ProgramPart
from wse_emulator.engines import conservation
from wse_emulator.engines.array.occupancy import MOST_WAITING
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.settling import settle
from wse_emulator.engines.array.sweep import NEVER, Sweep
from wse_emulator.engines.array.temporaries import temporary_peaks
from wse_emulator.engines.sram import check_resident
from wse_emulator.engines.timing import Timing, collector_paused
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec

Process = Generator[Event, object, None]


def simulate_array(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    *,
    resident_bytes: IntArray,
    op_count: int,
    over_time: bool = True,
) -> Timing:
    """Simulate a program with all PEs of an activity at once; arguments, answer and errors are
    those of :func:`~wse_emulator.engines.pe.machine.simulate_pe`."""
    with collector_paused():
        return _simulate(spec, program, resident_bytes, op_count, over_time)


def _simulate(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    resident_bytes: IntArray,
    op_count: int,
    over_time: bool,
) -> Timing:
    check_resident(spec, resident_bytes)
    tables = ChainTables()
    sram_peak = resident_bytes + temporary_peaks(spec, program, tables, resident_bytes)
    most_waiting = MOST_WAITING if over_time else None
    sweep, passes = settle(spec, program, op_count, tables, most_waiting=most_waiting)
    clock = Environment()
    clock.process(_controller(clock, sweep))
    clock.run()
    elapsed = int(sweep.ready.max())
    if clock.now != elapsed:
        raise ConservationError(
            f"the last activity ends in cycle {clock.now}, the last PE in {elapsed}"
        )
    recorded = elapsed if over_time else 0
    timing = Timing(
        elapsed_cycles=elapsed,
        activity_start=np.where(sweep.activity_start == NEVER, -1, sweep.activity_start),
        activity_end=sweep.activity_end,
        op_start=np.where(sweep.op_start == NEVER, -1, sweep.op_start),
        op_end=sweep.op_end,
        pe_busy=sweep.busy,
        pe_final=sweep.ready,
        link_busy=sweep.bookings.busy,
        sram_peak=sram_peak,
        busy_pes=sweep.busy_pes.by_cycle(recorded),
        busy_links=sweep.bookings.booked.by_cycle(recorded),
        temporary_bytes=sweep.temporary_bytes.by_cycle(recorded),
        events=next(clock._eid),
        passes=passes,
    )
    conservation.check_invariants(spec, program, timing, over_time=over_time)
    return timing


def _controller(clock: Environment, sweep: Sweep) -> Process:
    """Start every activity in program order; each runs on its own PEs from there."""
    for start, end in zip(sweep.activity_start.tolist(), sweep.activity_end.tolist(), strict=True):
        if end >= 0:
            clock.process(_activity(clock, start, end))
    yield clock.timeout(0)


def _activity(clock: Environment, start: int, end: int) -> Process:
    """Run an activity from its first ready PE to its last release."""
    yield clock.timeout(start)
    yield clock.timeout(end - start)
