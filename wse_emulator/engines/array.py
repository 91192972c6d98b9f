"""Engine "array": SimPy for the activities, NumPy for all PEs of each at once, exact.

A controller process settles the times of all PEs and links by passes over the program, until no
wait on any link changes; then every activity runs as a process of its own, from its first ready
PE to its last release, and the clock has to stop when the last PE is done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray
from simpy import Environment
from simpy.events import Event

from wse_emulator.activities import (
    Activity,
    Chain,
    LineMulticast,
    Multicast,
    Send,
    Star,
    Work,
)
from wse_emulator.engines import conservation
from wse_emulator.engines.array_multicasts import line_multicast, multicast, send
from wse_emulator.engines.array_reductions import chain, star
from wse_emulator.engines.array_sram import temporary_peaks
from wse_emulator.engines.bookings import Bookings, channel_uses
from wse_emulator.engines.fixed_point import WaitsByFlow, same_waits, waits_from
from wse_emulator.engines.op_tables import ChainTables
from wse_emulator.engines.sram import check_resident
from wse_emulator.engines.sweep import NEVER, Sweep
from wse_emulator.engines.timing import IntArray, Timing
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.spec import WaferSpec

Process = Generator[Event, object, None]


def simulate_array(
    spec: WaferSpec,
    activities: Sequence[Activity],
    *,
    resident_bytes: IntArray,
    op_count: int,
) -> Timing:
    """Simulate a program with all PEs of an activity at once; arguments, answer and errors are
    those of :func:`~wse_emulator.engines.pe.simulate_pe`."""
    check_resident(spec, resident_bytes)
    tables = ChainTables()
    sram_peak = resident_bytes + temporary_peaks(spec, activities, tables, resident_bytes)
    wafer = Wafer(spec, activities, op_count, tables)
    clock = Environment()
    clock.process(wafer.controller(clock))
    clock.run()
    return wafer.timing(clock, sram_peak)


class Wafer:
    """A program on a wafer: the passes that settle its times, and the processes that run it."""

    def __init__(
        self,
        spec: WaferSpec,
        activities: Sequence[Activity],
        op_count: int,
        tables: ChainTables,
        observe: Callable[[int, Sweep], None] | None = None,
    ) -> None:
        self.observe = observe
        self.spec = spec
        self.activities = activities
        self.op_count = op_count
        self.tables = tables
        self.passes = 0
        self.processed = 0
        self.settled: Sweep | None = None

    def settle(self) -> Sweep:
        """The times of all PEs and links, without running the processes."""
        return self._settle()

    def controller(self, clock: Environment) -> Process:
        """Settle all times, then start every activity in program order."""
        self.settled = sweep = self._settle()
        for index in range(len(self.activities)):
            start, end = int(sweep.activity_start[index]), int(sweep.activity_end[index])
            if end >= 0:
                clock.process(self.activity(clock, start, end))
        yield clock.timeout(0)
        self.processed += 2

    def activity(self, clock: Environment, start: int, end: int) -> Process:
        """From its first ready PE to its last release."""
        yield clock.timeout(start)
        yield clock.timeout(end - start)
        self.processed += 4

    def _settle(self) -> Sweep:
        """Passes until no link is newly marked and no wait changes."""
        marked: NDArray[np.bool_] | None = None
        waits: WaitsByFlow = {}
        channels = channel_uses(self.activities)
        while True:
            self.passes += 1
            bookings = Bookings(self.spec, channels, marked, waits)
            sweep = Sweep(self.spec, self.activities, self.op_count, self.tables, bookings)
            for index, activity in enumerate(self.activities):
                advance(sweep, index, activity)
                if self.observe is not None:
                    self.observe(index, sweep)
            found = waits_from(bookings.requests)
            if bookings.newly_marked is None and same_waits(found, waits):
                return sweep
            waits = found
            if bookings.newly_marked is not None:
                marked = bookings.newly_marked if marked is None else marked | bookings.newly_marked

    def timing(self, clock: Environment, sram_peak: IntArray) -> Timing:
        """The settled times, checked against the invariants of the machine."""
        sweep = self.settled
        assert sweep is not None
        elapsed = int(sweep.ready.max())
        if clock.now != elapsed:
            raise ConservationError(
                f"the last activity ends in cycle {clock.now}, the last PE in {elapsed}"
            )
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
            busy_pes=sweep.busy_pes.by_cycle(elapsed),
            busy_links=sweep.bookings.booked.by_cycle(elapsed),
            temporary_bytes=sweep.temporary_bytes.by_cycle(elapsed),
            events=self.processed,
            passes=self.passes,
        )
        conservation.check(self.spec, self.activities, timing)
        return timing


def advance(sweep: Sweep, index: int, activity: Activity) -> None:
    """Advance the PEs and links of one activity."""
    match activity:
        case Work():
            sweep.work(index, activity)
        case Multicast():
            multicast(sweep, index, activity)
        case LineMulticast():
            line_multicast(sweep, index, activity)
        case Chain():
            chain(sweep, index, activity)
        case Star():
            star(sweep, index, activity)
        case Send():
            send(sweep, index, activity)
