"""Which channels can share one array of link times, because their rectangles never meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wse_emulator.activities import ProgramPart, Star, Work, leaves
from wse_emulator.wafer.region import Region


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of a program.

    Attributes:
        slots: channel -> number of the array that keeps the cycles in which its links fall
            free. Channels with a number in common lie in separate rectangles. The only channel
            of a program has none if it brings no link more than one message.
    """

    slots: Mapping[str, int]


def channels_of(program: Sequence[ProgramPart]) -> Channels:
    """Give every channel the first slot whose other channels lie in separate rectangles."""
    uses: Counter[str] = Counter()
    around: dict[str, Region] = {}
    for activity, times in leaves(program):
        if isinstance(activity, Work):
            continue
        uses[activity.channel] += 2 if isinstance(activity, Star) else times
        known = around.get(activity.channel)
        region = activity.region
        around[activity.channel] = region if known is None else hull(known, region)
    slots: dict[str, int] = {}
    taken: list[list[Region]] = []
    for channel, region in around.items():
        if len(uses) == 1 and uses[channel] == 1:
            continue
        slot = next(
            (
                number
                for number, others in enumerate(taken)
                if not any(meet(region, other) for other in others)
            ),
            len(taken),
        )
        if slot == len(taken):
            taken.append([])
        taken[slot].append(region)
        slots[channel] = slot
    return Channels(slots)


def hull(one: Region, other: Region) -> Region:
    """The smallest rectangle that holds both."""
    if one == other:
        return one
    row, col = min(one.row, other.row), min(one.col, other.col)
    return Region(
        row,
        col,
        max(one.row_stop, other.row_stop) - row,
        max(one.col_stop, other.col_stop) - col,
    )


def meet(one: Region, other: Region) -> bool:
    """Whether two rectangles have a PE in common."""
    return (
        one.row < other.row_stop
        and other.row < one.row_stop
        and one.col < other.col_stop
        and other.col < one.col_stop
    )
