"""One pass of the array engine: the activities in the order of the program, each for all its PEs.

An activity depends on earlier ones only. If the waits on contended links are known, one pass
therefore finds every time [8.1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import Activity, Work
from wse_emulator.engines.array.bookings import Bookings, Flow
from wse_emulator.engines.array.chain_stages import Stages
from wse_emulator.engines.array.folded_rings import FoldedRing
from wse_emulator.engines.array.link_views import Takers
from wse_emulator.engines.array.multicast_arms import Spread
from wse_emulator.engines.array.occupancy import MOST_WAITING, Changes, moments
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.wafer_arrays import WaferArrays
from wse_emulator.engines.array.work_shares import Places, Shares, shares_of
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import message_cycles
from wse_emulator.wafer.spec import WaferSpec

NEVER = np.iinfo(np.int64).max


class Sweep:
    """The state of the wafer while a pass goes through the program.

    Attributes:
        ready: (rows, cols) release time of each PE's latest activity.
        busy: (rows, cols) cycles of work and touches.
        busy_pes, temporary_bytes: changes by cycle over the whole wafer.
        activity_start, activity_end, op_start, op_end: as in ``Timing``, with ``NEVER`` for a
            start that has not happened.
        weight: how often the activity at hand counts for busy cycles, which depend on no time: the
            first run of a leaf counts for all.
        arrays: the same arrays together, for making views of them.
        stages, spreads, rings: the views of chains, multicasts and shifts so far; many activities
            share them.
        places: how regions were divided between chains so far.
        latest: the work seen last and its shares, since rounds repeat the same work.
    """

    def __init__(
        self,
        spec: WaferSpec,
        written: Sequence[tuple[Activity, int]],
        op_count: int,
        tables: ChainTables,
        bookings: Bookings,
        most_waiting: int | None = MOST_WAITING,
    ) -> None:
        self.spec = spec
        self.activities = tuple(activity for activity, _ in written)
        self.tables = tables
        self.bookings = bookings
        self.ready: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
        self.busy: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
        self.busy_pes = Changes(most_waiting)
        self.temporary_bytes = Changes(most_waiting)
        self.activity_start: IntArray = np.full(len(written), NEVER, np.int64)
        self.activity_end: IntArray = np.full(len(written), -1, np.int64)
        self.op_start: IntArray = np.full(op_count, NEVER, np.int64)
        self.op_end: IntArray = np.full(op_count, -1, np.int64)
        self.arrays = WaferArrays(spec, self.ready, self.busy, bookings)
        self.stages: dict[tuple[object, ...], tuple[Stages, ...]] = {}
        self.spreads: dict[tuple[object, ...], tuple[Spread, ...]] = {}
        self.rings: dict[tuple[object, ...], tuple[FoldedRing, ...]] = {}
        self.places: dict[tuple[tuple[int, int], ...], Places] = {}
        self.latest: tuple[Work, Shares] | None = None
        self.weight = 0
        self._uncounted = [times for _, times in written]

    def begin(self, index: int) -> None:
        """Begin to run leaf ``index``."""
        self.bookings.run += 1
        self.weight, self._uncounted[index] = self._uncounted[index], 0

    def duration(self, wavelets: int) -> int:
        """Cycles of a message on a link."""
        return message_cycles(wavelets, self.spec)

    def index(self, pe: tuple[int, int]) -> int:
        """Row-major index of PE (row, col)."""
        return pe[0] * self.spec.cols + pe[1]

    def work(self, index: int, work: Work) -> None:
        """Run work: each PE is busy for its chain; an op starts and ends with its first and last
        PE."""
        if self.latest is None or self.latest[0] is not work:
            self.latest = (work, shares_of(work, self.tables, self.places))
        shares = self.latest[1]
        rows, cols = work.region.slices
        ready = self.ready[rows, cols].reshape(-1)
        for part in shares.parts:
            table, when = part.table, moments(ready[part.places])
            earliest, latest = when.first, when.last
            if part.distinct:
                starts, ends = table.first + earliest, table.last + latest
                self.op_start[part.ops] = np.minimum(self.op_start[part.ops], starts)
                self.op_end[part.ops] = np.maximum(self.op_end[part.ops], ends)
            else:
                np.minimum.at(self.op_start, part.ops, table.first + earliest)
                np.maximum.at(self.op_end, part.ops, table.last + latest)
            self.ends(index, earliest, latest + table.cycles)
            self.busy_pes.add(when)
            self.busy_pes.add(when, table.cycles, -1)
            for offset, change in table.byte_changes:
                self.temporary_bytes.add(when, offset, change)
        self.ready[rows, cols] += shares.busy
        if self.weight:
            self.busy[rows, cols] += shares.busy * self.weight

    def touch(self, pes: Takers, start: IntArray, cycles: int | IntArray) -> IntArray:
        """Let PEs touch wavelets in [start, start + cycles); returns the ends."""
        if self.weight:
            np.add(pes.busy, cycles * self.weight, out=pes.busy)
        return self.touched(pes, start, cycles)

    def touched(self, pes: Takers, start: IntArray, cycles: int | IntArray) -> IntArray:
        """As :meth:`touch`, where the caller counts how long each PE is busy.

        ``start`` is kept, so it must not change any more.
        """
        if (start < pes.ready).any():
            raise ConservationError("a PE touches a message before it is ready for it")
        self.busy_pes.span(start, cycles)
        return start + cycles

    def release(self, flow: Flow, pes: Takers, first: int, end: IntArray) -> None:
        """Release PEs from a flow's activity: in cycle ``end`` they are ready for the next.

        Args:
            first: cycle in which the first of them was ready for the activity.
        """
        last = int(end.max())
        self.ends(flow.activity, first, last)
        self.bookings.passed(flow.channel, last)
        pes.ready[...] = end

    def count(self) -> None:
        """Add the busy cycles of PEs and links in the chains, multicasts and shifts of the pass."""
        for known in self.stages.values():
            for stages in known:
                stages.count()
        for spreads in self.spreads.values():
            for spread in spreads:
                spread.count()
        for rings in self.rings.values():
            for ring in rings:
                ring.count()

    def op_times(self) -> tuple[IntArray, ...]:
        """Copies of the starts and ends of activities and ops so far."""
        return tuple(times.copy() for times in self._op_times())

    def go_back(self, times: tuple[IntArray, ...]) -> None:
        """Take back all starts and ends since :meth:`op_times` gave these."""
        for now, before in zip(self._op_times(), times, strict=True):
            now[...] = before

    def _op_times(self) -> tuple[IntArray, ...]:
        return self.activity_start, self.activity_end, self.op_start, self.op_end

    def ends(self, index: int, start: int, end: int) -> None:
        """Note that an activity ran on some PEs, from the first ready to the last release."""
        self.activity_start[index] = min(self.activity_start[index], start)
        self.activity_end[index] = max(self.activity_end[index], end)
