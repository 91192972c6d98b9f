"""The PEs and links of a shift as views of the wafer, found once for all shifts that share them.

The messages of a line are four rows of equal steps: the even positions outward, the odd ones back,
and the step to the neighbour at either end. Each is seen with the views of a chain whose root is
the last PE that the messages reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import Shift
from wse_emulator.engines.array.bookings import Track
from wse_emulator.engines.array.link_views import (
    Groups,
    Lines,
    Ramps,
    StageLinks,
    StageRamps,
    Takers,
)
from wse_emulator.engines.array.wafer_arrays import WaferArrays
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.wafer.arrays import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Messages of a shift in one direction over equal distances.

    Attributes:
        distance: links of each.
        links: of shape (lines, 1, messages, distance), in the order of travel.
        ramps: the down-ramps of the sinks, of shape (lines, 1, messages).
        sources, sinks: which positions of a line send and take them, in the same order.
    """

    distance: int
    links: Track
    ramps: Track
    sources: slice
    sinks: slice


@dataclass(slots=True, eq=False)
class FoldedRing:
    """The PEs and messages of equal neighbouring lines.

    Attributes:
        block: the lines.
        pes: their PEs, of shape (lines, positions).
        steps: all messages of a line.
        row_major: (lines, positions) indices of the PEs on the wafer.
        uses: shifts that used them so far. Each keeps the same PEs and links busy for as long, so
            the busy cycles are added in one go at the end.
    """

    block: LineBlock
    pes: Takers
    steps: tuple[Steps, ...]
    row_major: IntArray
    uses: int = 0

    def count(self) -> None:
        """Add the busy cycles of PEs and links in all uses so far."""
        total = self.uses * self.block.cycles
        on_ramps = total if isinstance(total, int) else total[..., None]
        on_links = total if isinstance(total, int) else total[..., None, None]
        self.pes.busy[...] += total
        for steps in self.steps:
            steps.links.busy[...] += on_links
            steps.ramps.busy[...] += on_ramps
        self.uses = 0


def folded_rings(activity: Shift, arrays: WaferArrays) -> Iterator[FoldedRing]:
    """The folded rings of a shift, as one value for each block of lines."""
    for block in line_blocks(activity, arrays.spec):
        if block.extent[1] > 1:
            yield _folded_ring(activity, block, arrays)


def _folded_ring(activity: Shift, block: LineBlock, arrays: WaferArrays) -> FoldedRing:
    first, length = block.extent
    last_even, last_odd = (length - 1) // 2 * 2, (length - 2) // 2 * 2 + 1

    def steps(root: int, direction: int, distance: int, count: int) -> Steps:
        """``count`` messages that travel against ``direction``, the last one to ``root``."""
        reach = count * distance + 1
        lines = Lines(block.region, block.axis, first + root, direction, reach)
        groups = Groups(lines, 0, 1, count + 1, distance, followed=False)
        at = np.arange(count + 1) * distance * direction + root
        sinks, sources = at[:-1].tolist(), at[1:].tolist()
        return Steps(
            distance,
            arrays.bookings.track(activity.channel, StageLinks(groups)),
            arrays.bookings.track(activity.channel, StageRamps(groups)),
            _positions(sources, direction * distance),
            _positions(sinks, direction * distance),
        )

    ends = last_even - last_odd  # 1 if the outermost PE is even, which then sends back
    found = [steps(0, 1, 1, 1), steps(last_odd, ends, 1, 1)]
    if last_even:
        found.append(steps(last_even, -1, 2, last_even // 2))
    if last_odd > 1:
        found.append(steps(1, 1, 2, last_odd // 2))
    along = Lines(block.region, block.axis, first, 1, length)
    stride = 1 if block.axis == "row" else arrays.spec.cols
    row_major = block.row_major(arrays.spec, first)[:, None] + np.arange(length) * stride
    return FoldedRing(block, arrays.pes(Ramps(along, 0, length)), tuple(found), row_major)


def _positions(at: list[int], step: int) -> slice:
    stop = at[-1] + step
    return slice(at[0], stop if stop >= 0 else None, step)
