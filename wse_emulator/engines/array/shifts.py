"""Shifts along lines in the array engine: every PE sends two places on, all at once [4.5]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wse_emulator.activities import Shift
from wse_emulator.engines.array.bookings import Bookings, Flow, Track
from wse_emulator.engines.array.folded_rings import FoldedRing, folded_rings
from wse_emulator.engines.array.reductions import NOBODY
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import wavelets_on_the_way


def shift(sweep: Sweep, index: int, activity: Shift) -> None:
    """Run a shift: each PE sends at once, and goes when both its messages are through [4.5]."""
    geometry = (activity.channel, activity.region, activity.axis, activity.wavelets)
    rings = sweep.rings.get(geometry)
    if rings is None:
        rings = sweep.rings[geometry] = tuple(folded_rings(activity, sweep.arrays))
    for ring in rings:
        _turn(sweep, index, ring, activity)


def _turn(sweep: Sweep, index: int, ring: FoldedRing, activity: Shift) -> None:
    """Pass the messages of all PEs one place on along the ring."""
    spec, bookings, ready, cycles = sweep.spec, sweep.bookings, ring.pes.ready, ring.block.cycles
    flow = Flow(index, 0, activity.channel, int(ready.min()))
    heads = ready + (spec.touch_cycles + spec.ramp_cycles)
    at_ramp = _at_ramps(sweep, flow, ring, heads)
    free, waits = bookings.free(ring.ramps), bookings.waits_of(flow, ring.ramps)
    asked = at_ramp if free is None else np.maximum(at_ramp, free)
    source = ring.row_major[:, ring.source] if bookings.collects else NOBODY
    arrival = bookings.grant(flow, ring.ramps, asked, waits, cycles, source) + spec.ramp_cycles
    if (arrival < ready[:, ring.source] + ring.latency).any():
        raise ConservationError(f"{activity.name!r} reaches a PE faster than its links allow")
    start = np.maximum(arrival, ready)
    end = sweep.touched(ring.pes, start, cycles)
    ring.uses += sweep.weight
    longest = cycles if isinstance(cycles, int) else int(cycles.max())
    if longest > wavelets_on_the_way(1, spec):
        late = start[:, ring.sink] + (cycles - ring.room)
        end = np.maximum(end, np.where(cycles > ring.room, late, 0))
    sweep.release(flow, ring.pes, flow.first, end)


def _at_ramps(sweep: Sweep, flow: Flow, ring: FoldedRing, heads: IntArray) -> IntArray:
    """The cycle in which the head for each position is at its router.

    Args:
        heads: (lines, positions) cycle in which the message that a position sends is at its own
            router.
    """
    hop, bookings, cycles = sweep.spec.hop_cycles, sweep.bookings, ring.block.cycles
    last = heads.shape[1] - 1
    # link q outward leaves position q; an even position sends by its own link and the next one
    out = _Requests(bookings, flow, ring, ring.outward)
    out.ask(slice(0, None, 2), heads[:, 0:last:2])
    out.ask(slice(1, None, 2), out.granted[:, 0 : last - 1 : 2] + hop)
    out.grant(cycles, lambda link: link // 2 * 2)
    # link q back leaves position q + 1; an odd position sends by its own link and the next one
    back = _Requests(bookings, flow, ring, ring.back, backwards=True)
    back.ask(slice(0, None, 2), heads[:, 1::2])
    back.ask(slice(1, last - 1, 2), back.granted[:, 2::2] + hop)
    if last % 2 == 0:  # the last position sends back by one link
        back.ask(slice(last - 1, last), heads[:, last:])
    back.grant(cycles, lambda link: np.minimum(link + 1 + link % 2, last))
    at_ramp = np.empty_like(heads)
    at_ramp[:, 0] = back.granted[:, 0]
    at_ramp[:, 1:last:2] = back.granted[:, 1::2]
    at_ramp[:, 2::2] = out.granted[:, 1::2]
    if last % 2:  # the position before the last sends outward by one link
        at_ramp[:, last] = out.granted[:, last - 1]
    at_ramp += hop
    return at_ramp


class _Requests:
    """Requests of the messages of a shift for the links of one direction.

    Attributes:
        granted: (lines, links) cycles, where they are known, in the order of the positions.
    """

    def __init__(
        self,
        bookings: Bookings,
        flow: Flow,
        ring: FoldedRing,
        track: Track,
        *,
        backwards: bool = False,
    ) -> None:
        lines, positions = ring.row_major.shape
        self._row_major = ring.row_major
        self._bookings, self._flow, self._track = bookings, flow, track
        self._order = slice(None, None, -1 if backwards else 1)  # of the track's links
        free, waits = bookings.free(track), bookings.waits_of(flow, track)
        self._free = None if free is None else free[:, self._order]
        self._waits = None if waits is None else waits[:, self._order]
        self._asked: IntArray = np.empty((lines, positions - 1), np.int64)
        self.granted = self._asked if waits is None else np.empty_like(self._asked)

    def ask(self, links: slice, heads: IntArray) -> None:
        """Ask for some links, at whose routers the heads are in these cycles [3.2]."""
        asked = heads if self._free is None else np.maximum(heads, self._free[:, links])
        self._asked[:, links] = asked
        if self._waits is not None:
            self.granted[:, links] = asked + self._waits[:, links]

    def grant(self, cycles: int | IntArray, source_of: Callable[[IntArray], IntArray]) -> None:
        """Book all links, each for the message of one source.

        Args:
            source_of: the positions that send by links, from the numbers of the links.
        """
        order, waits, source = self._order, self._waits, NOBODY
        if self._bookings.collects:
            source = self._row_major[:, source_of(np.arange(self._asked.shape[1]))][:, order]
        self._bookings.grant(
            self._flow,
            self._track,
            self._asked[:, order],
            None if waits is None else waits[:, order],
            cycles,
            source,
        )
