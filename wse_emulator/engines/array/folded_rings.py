"""The PEs and links of a shift as views of the wafer, found once for all shifts that share them.

A shift uses every link of its lines once in either direction, and every ramp once [4.5]. Messages
of even positions go outward and take one link or two, those of odd positions go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import Shift
from wse_emulator.engines.array.bookings import Track
from wse_emulator.engines.array.link_views import Lines, Outward, Ramps, Takers
from wse_emulator.engines.array.wafer_arrays import WaferArrays
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import free_latency


@dataclass(slots=True, eq=False)
class FoldedRing:
    """The PEs and links of equal neighbouring lines.

    Attributes:
        block: the lines.
        pes: their PEs, of shape (lines, positions).
        outward: the link that leaves each position but the last outward, of shape (lines,
            positions - 1).
        back: the link that leaves each position but the first the other way, of the same shape,
            the last position first.
        ramps: the down-ramps, of shape (lines, positions).
        sink, source: (positions,) to which position each sends, and which sends to it.
        latency: (positions,) cycles of the head that each position takes, if it never waits.
        room: (positions,) wavelets that fit on the way from each position to its sink.
        row_major: (lines, positions) indices of the PEs on the wafer.
        uses: shifts that used them so far. Each keeps the same PEs and links busy for as long, so
            the busy cycles are added in one go at the end.
    """

    block: LineBlock
    pes: Takers
    outward: Track
    back: Track
    ramps: Track
    sink: IntArray
    source: IntArray
    latency: IntArray
    room: IntArray
    row_major: IntArray
    uses: int = 0

    def count(self) -> None:
        """Add the busy cycles of PEs and links in all uses so far."""
        total = self.uses * self.block.cycles
        for busy in (self.pes.busy, self.outward.busy, self.back.busy, self.ramps.busy):
            busy[...] += total
        self.uses = 0


def folded_rings(activity: Shift, arrays: WaferArrays) -> Iterator[FoldedRing]:
    """The folded rings of a shift, as one value for each block of lines."""
    channel, track = activity.channel, arrays.bookings.track
    for block in line_blocks(activity, arrays.spec):
        first, length = block.extent
        if length == 1:
            continue
        along = Lines(block.region, block.axis, first, 1, length)
        against = Lines(block.region, block.axis, first + length - 1, -1, length)
        sources, sinks = np.array(activity.moves, np.int64).T - first
        sink, source = np.empty(length, np.int64), np.empty(length, np.int64)
        sink[sources], source[sinks] = sinks, sources
        reach = np.abs(sink - np.arange(length))
        latency = free_latency(0, arrays.spec) + reach * arrays.spec.hop_cycles
        stride = 1 if block.axis == "row" else arrays.spec.cols
        yield FoldedRing(
            block,
            arrays.pes(Ramps(along, 0, length)),
            track(channel, Outward(along, 0, length - 1)),
            track(channel, Outward(against, 0, length - 1)),
            track(channel, Ramps(along, 0, length)),
            sink,
            source,
            latency[source],
            latency + arrays.spec.queue_depth_wavelets,
            block.row_major(arrays.spec, first)[:, None] + np.arange(length) * stride,
        )
