"""The arms of a multicast as views of the wafer, found once for all activities that share them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from wse_emulator.activities import LineMulticast, Multicast
from wse_emulator.engines.array.bookings import Track
from wse_emulator.engines.array.link_views import Lines, Outward, Ramps, Takers
from wse_emulator.engines.array.wafer_arrays import WaferArrays
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import message_cycles
from wse_emulator.wafer.region import Region

NO_DETOUR: IntArray = np.zeros(1, np.int64)


@dataclass(slots=True, eq=False)
class Arm:
    """The PEs behind position 0 of some lines, and the way of a message to them.

    Attributes:
        cycles: duration of the message on a link; one number, or (lines, 1) if lines differ.
        links: from position 0 outward; None if the message comes another way.
        ramps: the down-ramps of the PEs.
        pes: the PEs, of shape (lines, positions).
        latency: (lines or 1, positions) lambda(d) of each PE.
        nearest: smallest latency.
        uses: messages that went this way so far. Each keeps the same PEs and links busy for as
            long, so the busy cycles are added in one go at the end.
    """

    cycles: int | IntArray
    links: Track | None
    ramps: Track
    pes: Takers
    latency: IntArray
    nearest: int = field(init=False)
    uses: int = 0

    def __post_init__(self) -> None:
        self.nearest = int(self.latency.min())

    def count(self) -> None:
        """Add the busy cycles of PEs and links in all uses so far."""
        total = self.uses * self.cycles
        self.pes.busy[...] += total
        self.ramps.busy[...] += total
        if self.links is not None:
            self.links.busy[...] += total
        self.uses = 0


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The way of a message over a rectangle, or of one message along each of some lines.

    Attributes:
        cycles: as in :class:`Arm`.
        block: the lines, for messages along lines.
        root: the sources, of shape (sources, 1).
        columns: arms along the root's column, with +1 for the one towards larger rows, else -1.
        rows: arms along the lines.
    """

    cycles: int | IntArray
    block: LineBlock
    root: Takers
    columns: tuple[tuple[int, Arm], ...]
    rows: tuple[Arm, ...]

    def count(self) -> None:
        """Add the busy cycles of PEs and links in all messages so far."""
        for arm in (*(arm for _, arm in self.columns), *self.rows):
            arm.count()


def _arm(
    arrays: WaferArrays,
    channel: str,
    lines: Lines,
    cycles: int | IntArray,
    detour: IntArray = NO_DETOUR,
) -> Arm:
    """The arm that leads to all PEs behind position 0 of some lines.

    Args:
        detour: (lines or 1,) cycles that heads have spent on links and corners before it.
    """
    spec = arrays.spec
    ramps = Ramps(lines, 1, lines.length)
    along = np.arange(1, lines.length, dtype=np.int64) * spec.hop_cycles
    return Arm(
        cycles,
        arrays.bookings.track(channel, Outward(lines, 0, lines.length - 1)),
        arrays.bookings.track(channel, ramps),
        arrays.pes(ramps),
        detour[:, None] + (along + spec.touch_cycles + 2 * spec.ramp_cycles),
    )


def rectangle_spread(activity: Multicast, arrays: WaferArrays) -> Spread:
    """The way of a multicast: along the root's column, and from there along the rows [4.3]."""
    spec, channel = arrays.spec, activity.channel
    region, (row, col) = activity.region, activity.root
    cycles = message_cycles(activity.wavelets, spec)
    column = Region(region.row, col, region.rows, 1)
    columns = []
    for direction, length in ((1, region.row_stop - row), (-1, row - region.row + 1)):
        if length > 1:
            lines = Lines(column, "column", row, direction, length)
            columns.append((direction, _arm(arrays, channel, lines, cycles)))
    away = np.abs(np.arange(region.row, region.row_stop, dtype=np.int64) - row)
    detour = away * spec.hop_cycles + (away > 0) * spec.turn_cycles
    rows = []
    for direction, length in ((1, region.col_stop - col), (-1, col - region.col + 1)):
        if length > 1:
            lines = Lines(region, "row", col, direction, length)
            rows.append(_arm(arrays, channel, lines, cycles, detour))
    root = arrays.pes(Ramps(Lines(Region(row, col, 1, 1), "row", col, 1, 1), 0, 1))
    return Spread(cycles, LineBlock(region, "row", cycles), root, tuple(columns), tuple(rows))


def line_spreads(activity: LineMulticast, arrays: WaferArrays) -> Iterator[Spread]:
    """The ways from the root's position to both sides, for each block of equal lines."""
    for block in line_blocks(activity, arrays.spec):
        first, length = block.extent
        if length == 1:
            continue
        before, after = activity.root - first, first + length - activity.root
        rows = tuple(
            _arm(
                arrays,
                activity.channel,
                Lines(block.region, activity.axis, activity.root, direction, positions),
                block.cycles,
            )
            for direction, positions in ((1, after), (-1, before + 1))
            if positions > 1
        )
        root = arrays.pes(Ramps(Lines(block.region, activity.axis, activity.root, 1, after), 0, 1))
        yield Spread(block.cycles, block, root, (), rows)
