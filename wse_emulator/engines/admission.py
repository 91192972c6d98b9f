"""Checks of a program before it runs: its activities lie on the wafer, its routers have the
colors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

import numpy as np

from wse_emulator.activities import (
    Chain,
    LineActivity,
    LineMulticast,
    Message,
    Multicast,
    ProgramPart,
    Send,
    Shift,
    Star,
    Work,
    leaves,
)
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.errors import ColorsExhaustedError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def admit(spec: WaferSpec, program: Sequence[ProgramPart], op_count: int) -> None:
    """Refuse a program that the machine cannot run.

    An activity that runs no time takes no color.

    Raises:
        ValueError: an activity lies outside the wafer, or names an op that does not exist.
        ColorsExhaustedError: more channels pass a router than programs have colors.
    """
    channels: defaultdict[str, list[Message]] = defaultdict(list)
    for activity, times in leaves(program):
        region = activity.region
        if region.row_stop > spec.rows or region.col_stop > spec.cols:
            raise ValueError(
                f"activity {activity.name!r}: region {region.as_list()} lies outside the "
                f"{spec.rows} x {spec.cols} PEs of {spec.name}"
            )
        if isinstance(activity, Work):
            ops = [op.op for chain in activity.chains for op in chain.ops]
            if ops and not 0 <= min(ops) <= max(ops) < op_count:
                raise ValueError(
                    f"activity {activity.name!r}: ops {min(ops)} to {max(ops)} of {op_count}"
                )
        elif times:
            channels[activity.channel].append(activity)
    if len(channels) > spec.program_colors:
        _check_colors(spec, channels)


def _check_colors(spec: WaferSpec, channels: dict[str, list[Message]]) -> None:
    """Count the channels that occupy a color in each router."""
    passed = {channel: _routers(spec, users) for channel, users in channels.items()}
    count: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
    for region, mask in passed.values():
        if mask.size:
            count[region.slices] += mask
    over = count > spec.program_colors
    if not over.any():
        return
    row, col = np.argwhere(over)[0].tolist()
    competing = [
        f"{channel} (in region {region.as_list()})"
        for channel, (region, mask) in passed.items()
        if mask.size and region.contains(row, col) and mask[row - region.row, col - region.col]
    ]
    raise ColorsExhaustedError(
        f"{len(competing)} channels pass the router of PE ({row}, {col}), and "
        f"{spec.program_colors} of its {spec.colors} colors are free for programs "
        f"({spec.reserved_colors} are reserved): {', '.join(competing)}; let flows that do not "
        "run at the same time share a channel, or use smaller regions"
    )


_ROUTE: Final[dict[type[Message], attrgetter[tuple[object, ...]]]] = {
    Multicast: attrgetter("region", "root", "wavelets"),
    LineMulticast: attrgetter("region", "axis", "root", "wavelets"),
    Chain: attrgetter("region", "axis", "root", "spacing", "positions", "wavelets", "group"),
    Star: attrgetter("region", "axis", "root", "direction", "positions", "wavelets"),
    Shift: attrgetter("region", "axis", "wavelets"),
    Send: attrgetter("source", "sink", "wavelets"),
}
"""What decides the routers that a message of each kind passes."""


def _routers(spec: WaferSpec, users: Sequence[Message]) -> tuple[Region, IntArray]:
    """The rectangle around all routers of a channel, and a 1 for each of them in it."""
    # collectives repeat tensor after tensor on the same routes
    distinct = {(type(activity), _ROUTE[type(activity)](activity)): activity for activity in users}
    parts = [part for activity in distinct.values() for part in routers_of(activity, spec)]
    if not parts:
        return Region(0, 0, 1, 1), np.zeros((0, 0), np.int64)
    row, col = min(p.row for p in parts), min(p.col for p in parts)
    rows = max(p.row_stop for p in parts) - row
    cols = max(p.col_stop for p in parts) - col
    mask: IntArray = np.zeros((rows, cols), np.int64)
    for part in parts:
        mask[part.row - row : part.row_stop - row, part.col - col : part.col_stop - col] = 1
    return Region(row, col, rows, cols), mask


def routers_of(activity: Message, spec: WaferSpec) -> Iterator[Region]:
    """Rectangles that cover the routers which the messages of an activity pass."""
    match activity:
        case Multicast():
            if activity.wavelets and activity.region.pes > 1:
                yield activity.region
        case Send():
            if activity.wavelets and activity.source != activity.sink:
                corner = (activity.source[0], activity.sink[1])
                yield _between(activity.source, corner)
                yield _between(corner, activity.sink)
        case LineMulticast() | Star() | Chain() | Shift():
            stretches = list(_stretches(activity))
            for block in line_blocks(activity, spec):
                for one, other in stretches:
                    yield _stretch(block, one, other)


def _stretches(activity: LineActivity) -> Iterator[tuple[int, int]]:
    """First and last absolute position of every message, or row of messages, of a line."""
    match activity:
        case LineMulticast() | Shift():
            region = activity.region
            if activity.axis == "row":
                first, last = region.col, region.col_stop - 1
            else:
                first, last = region.row, region.row_stop - 1
            groups = [(first, last)]
        case Star():
            reach = (activity.positions - 1) * activity.direction
            groups = [(activity.root, activity.root + reach)]
        case Chain():
            size, root, spacing = activity.group_positions, activity.root, activity.spacing
            groups = [
                (root + k * spacing, root + (min(k + size, activity.positions) - 1) * spacing)
                for k in range(0, activity.positions, size)
            ]
    return ((one, other) for one, other in groups if one != other)


def _between(one: tuple[int, int], other: tuple[int, int]) -> Region:
    row, col = min(one[0], other[0]), min(one[1], other[1])
    return Region(row, col, abs(one[0] - other[0]) + 1, abs(one[1] - other[1]) + 1)


def _stretch(block: LineBlock, one: int, other: int) -> Region:
    """All lines of a block between two absolute positions."""
    first, length = min(one, other), abs(one - other) + 1
    region = block.region
    if block.axis == "row":
        return Region(region.row, first, region.rows, length)
    return Region(first, region.col, length, region.cols)
