"""One pass of the array engine: every activity in program order, all its PEs at once.

Program order is a topological order of all dependences, so one pass settles every time, given the
waits on contended links (section 8.1 of the machine semantics).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from wse_emulator.activities import Activity, Work
from wse_emulator.engines.bookings import Bookings
from wse_emulator.engines.link_views import Groups, Ramps
from wse_emulator.engines.occupancy import Changes, moments
from wse_emulator.engines.op_tables import ChainTables
from wse_emulator.engines.timing import IntArray
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.spec import WaferSpec

NEVER = np.iinfo(np.int64).max


class Sweep:
    """State of the wafer while a pass goes through the program.

    Attributes:
        ready: (rows, cols) release time of each PE's latest activity.
        busy: (rows, cols) cycles of work and touches.
        busy_pes, temporary_bytes: changes by cycle over the whole wafer.
        activity_start, activity_end, op_start, op_end: as in ``Timing``, with ``NEVER`` for a
            start that has not happened.
    """

    def __init__(
        self,
        spec: WaferSpec,
        activities: Sequence[Activity],
        op_count: int,
        tables: ChainTables,
        bookings: Bookings,
    ) -> None:
        self.spec = spec
        self.activities = activities
        self.tables = tables
        self.bookings = bookings
        self.ready: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
        self.busy: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
        self.busy_pes = Changes()
        self.temporary_bytes = Changes()
        self.activity_start: IntArray = np.full(len(activities), NEVER, np.int64)
        self.activity_end: IntArray = np.full(len(activities), -1, np.int64)
        self.op_start: IntArray = np.full(op_count, NEVER, np.int64)
        self.op_end: IntArray = np.full(op_count, -1, np.int64)

    def duration(self, wavelets: int) -> int:
        """Cycles of a message on a link."""
        return ceil(wavelets * self.spec.cycles_per_wavelet)

    def index(self, pe: tuple[int, int]) -> int:
        """Row-major index of PE (row, col)."""
        return pe[0] * self.spec.cols + pe[1]

    def work(self, index: int, work: Work) -> None:
        """Add each run's cycles to its PEs; op times from the run's earliest and latest PE."""
        rows, cols = work.region.slices
        ready = self.ready[rows, cols].reshape(-1)
        busy = np.zeros(ready.size, np.int64)
        tables = [self.tables[chain] for chain in work.chains]
        begin = 0
        for pes, number in work.runs:
            run = slice(begin, begin + pes)
            begin += pes
            if number < 0 or pes == 0 or tables[number].cycles == 0:
                continue
            table = tables[number]
            when = moments(ready[run])
            earliest, latest = when.first, when.last
            ops = [op.op for op in work.chains[number].ops]
            np.minimum.at(self.op_start, ops, table.first + earliest)
            np.maximum.at(self.op_end, ops, table.last + latest)
            self.ends(index, earliest, latest + table.cycles)
            self.busy_pes.add(when)
            self.busy_pes.add(when, table.cycles, -1)
            for offset, change in table.byte_changes:
                self.temporary_bytes.add(when, offset, change)
            busy[run] = table.cycles
        shape = (work.region.rows, work.region.cols)
        self.ready[rows, cols] += busy.reshape(shape)
        self.busy[rows, cols] += busy.reshape(shape)

    def touch(self, pes: Ramps | Groups, start: IntArray, cycles: int | IntArray) -> IntArray:
        """PEs touch wavelets in [start, start + cycles); returns the ends."""
        if (start < pes.of(self.ready)).any():
            raise ConservationError("a PE touches a message before it is ready for it")
        end = start + cycles
        pes.of(self.busy)[...] += cycles
        begins = moments(start)
        self.busy_pes.add(begins)
        if isinstance(cycles, int):
            self.busy_pes.add(begins, cycles, -1)
        else:
            self.busy_pes.add(moments(end), 0, -1)
        return end

    def release(self, index: int, pes: Ramps | Groups, end: IntArray) -> None:
        """PEs are done with activity ``index`` and ready for their next in cycle ``end``."""
        ready = pes.of(self.ready)
        self.ends(index, int(ready.min()), int(end.max()))
        ready[...] = end

    def ends(self, index: int, start: int, end: int) -> None:
        """An activity ran on some PEs from the earliest ready time to the latest release."""
        self.activity_start[index] = min(self.activity_start[index], start)
        self.activity_end[index] = max(self.activity_end[index], end)
