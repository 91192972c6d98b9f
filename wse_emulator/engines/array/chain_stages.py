"""The groups of a chain as views of the wafer, found once for all activities of the same geometry.

A step reduces over the same rectangle for every tensor, by trees of many rounds. Finding the views
of a round takes longer than computing the round, so they are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wse_emulator.activities import Chain
from wse_emulator.engines.array.bookings import Track
from wse_emulator.engines.array.link_views import Groups, Lines, StageLinks, StageRamps, Takers
from wse_emulator.engines.array.wafer_arrays import WaferArrays
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


@dataclass(slots=True, eq=False)
class Stages:
    """Equal groups of a chain, with all their stages.

    Attributes:
        block: the lines.
        groups: the groups of each line.
        cycles: duration of a message on a link; one number, or (lines, 1, 1) if lines differ.
        pes: the PEs, of shape (lines, groups, positions), the root first.
        links: the links of each stage in the order in which a message takes them, of shape (lines,
            groups, stages, links).
        ramps: the down-ramp at the end of each stage, of shape (lines, groups, stages).
        uses: activities that used them so far. Each keeps the same PEs and links busy for as long,
            so the busy cycles are added in one go at the end.
    """

    block: LineBlock
    groups: Groups
    cycles: int | IntArray
    pes: Takers
    links: Track
    ramps: Track
    uses: int = 0

    @property
    def link_cycles(self) -> int | IntArray:
        """``cycles`` in a shape that broadcasts against the links."""
        return self.cycles if isinstance(self.cycles, int) else self.cycles[..., None]

    def count(self) -> None:
        """Add the busy cycles of PEs and links in all uses so far."""
        self.pes.busy[...] += self.uses * self.cycles
        self.links.busy[...] += self.uses * self.link_cycles
        self.ramps.busy[...] += self.uses * self.cycles
        self.uses = 0


def stages_of(activity: Chain, arrays: WaferArrays) -> Iterator[Stages]:
    """The stages of a chain, as at most two sets of equal groups for each block of lines."""
    spec, bookings = arrays.spec, arrays.bookings
    for block in line_blocks(activity, spec):
        cycles = block.cycles if isinstance(block.cycles, int) else block.cycles[:, :, None]
        for groups in _equal_groups(activity, block, spec):
            yield Stages(
                block,
                groups,
                cycles,
                arrays.pes(groups),
                bookings.track(activity.channel, StageLinks(groups)),
                bookings.track(activity.channel, StageRamps(groups)),
            )


def _equal_groups(activity: Chain, block: LineBlock, spec: WaferSpec) -> Iterator[Groups]:
    """The groups of a chain that have more than one position, in at most two sets of equals."""
    spacing, size = abs(activity.spacing), activity.group_positions
    length = (activity.positions - 1) * spacing + 1
    direction = 1 if activity.spacing > 0 else -1
    lines = Lines(block.region, block.axis, activity.root, direction, length)
    count, rest = divmod(activity.positions, size)
    end = activity.root + direction * count * size * spacing  # root of one more group
    if not rest and not 0 <= end < (spec.cols if block.axis == "row" else spec.rows):
        count, rest = count - 1, size
    if count and size > 1:
        yield Groups(lines, 0, count, size, spacing, followed=True)
    if rest > 1:
        yield Groups(lines, count * size * spacing, 1, rest, spacing, followed=False)
