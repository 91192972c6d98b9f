"""Reductions along lines in the array engine: chains and stars.

Numbers in brackets are the rules of the machine semantics.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wse_emulator.activities import Chain, Star
from wse_emulator.engines.bookings import Flow
from wse_emulator.engines.line_blocks import LineBlock, line_blocks
from wse_emulator.engines.link_views import Groups, Inward, Lines, Ramps, StageLinks, StageRamps
from wse_emulator.engines.scans import largest, link_requests, relay_starts, windowed_maximum
from wse_emulator.engines.sweep import Sweep
from wse_emulator.engines.timing import IntArray
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.spec import WaferSpec

NOBODY: IntArray = np.zeros(1, np.int64)
"""In place of the sources of messages, where no request is collected."""


def chain(sweep: Sweep, index: int, activity: Chain) -> None:
    """Each position adds what it receives and passes it on [4.1]."""
    flow = Flow(index, 0, activity.channel)
    for block in line_blocks(activity, sweep.spec):
        for groups in _equal_groups(activity, block, sweep.spec):
            _chain_groups(sweep, index, flow, activity, block, groups)


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


def _chain_groups(
    sweep: Sweep, index: int, flow: Flow, activity: Chain, block: LineBlock, groups: Groups
) -> None:
    spec, bookings = sweep.spec, sweep.bookings
    cycles = block.cycles if isinstance(block.cycles, int) else block.cycles[:, :, None]
    links, ramps = StageLinks(groups), StageRamps(groups)
    ready = groups.of(sweep.ready)
    link_free, ramp_free = bookings.free(flow, links), bookings.free(flow, ramps)
    link_waits, ramp_waits = bookings.waits_of(flow, links), bookings.waits_of(flow, ramps)
    climb = spec.touch_cycles + spec.ramp_cycles
    free_latency = climb + groups.spacing * spec.hop_cycles + spec.ramp_cycles
    latency: int | IntArray = free_latency
    if link_waits is not None or ramp_waits is not None:
        latency = np.full(ready[..., 1:].shape, free_latency, np.int64)
        if link_waits is not None:
            latency += link_waits.sum(axis=-1)
        if ramp_waits is not None:
            latency += ramp_waits
    able = ready.copy()
    earliest = _earliest_arrival(
        spec.hop_cycles, spec.ramp_cycles, link_free, ramp_free, link_waits, ramp_waits
    )
    if earliest is not None:
        np.maximum(able[..., :-1], earliest, out=able[..., :-1])
    towards_root = slice(None, None, -1)
    per_stage = latency if isinstance(latency, int) else latency[..., towards_root]
    start = relay_starts(able[..., towards_root], per_stage)[..., towards_root]
    # the same times, link by link: what each message asks for on its way
    source = _position_index(sweep, block, activity, groups) if bookings.collects else NOBODY
    heads = start[..., 1:] + climb
    asked = link_requests(heads, groups.spacing, spec.hop_cycles, link_free, link_waits)
    by_link = cycles if isinstance(cycles, int) else cycles[..., None]
    granted = bookings.book(flow, links, asked, link_waits, by_link, source[..., None])
    routers = granted[..., -1] + spec.hop_cycles
    asked = routers if ramp_free is None else np.maximum(routers, ramp_free)
    arrival = bookings.book(flow, ramps, asked, ramp_waits, cycles, source) + spec.ramp_cycles
    if (start[..., :-1] != np.maximum(ready[..., :-1], arrival)).any():
        raise ConservationError(
            f"{sweep.activities[index].name!r}: a position of the chain does not start when its "
            "message is there"
        )
    if (arrival < start[..., 1:] + free_latency).any():
        raise ConservationError(
            f"{sweep.activities[index].name!r} reaches a PE faster than its links allow"
        )
    sweep.touch(groups, start, cycles)
    room = free_latency + spec.queue_depth_wavelets
    sweep.release(index, groups, _chain_ends(start, block.cycles, room))


def _earliest_arrival(
    hop: int,
    ramp: int,
    link_free: IntArray | None,
    ramp_free: IntArray | None,
    link_waits: IntArray | None,
    ramp_waits: IntArray | None,
) -> IntArray | None:
    """(..., stages) no arrival is earlier, since links have to fall free of the channel's
    earlier messages; None without any."""
    bounds: list[IntArray] = []
    if link_free is not None:
        # from the request on link q: its wait and hop, and those of the links behind it
        rest: IntArray = np.arange(link_free.shape[-1], 0, -1, dtype=np.int64) * hop
        if link_waits is not None:
            rest = rest + np.cumsum(link_waits[..., ::-1], axis=-1)[..., ::-1]
        bounds.append(largest(link_free + rest))
    if ramp_free is not None:
        bounds.append(ramp_free)
    if not bounds:
        return None
    latest: IntArray = bounds[0] if len(bounds) == 1 else np.maximum(bounds[0], bounds[1])
    return latest + ramp if ramp_waits is None else latest + ramp_waits + ramp


def _chain_ends(start: IntArray, cycles: int | IntArray, room: int) -> IntArray:
    """E_i = max over k with B > kK of s_(i-k) + B - kK [4.1]; (lines, groups, positions)."""
    if isinstance(cycles, int):
        if cycles <= room:
            return start + cycles
        rising = np.arange(start.shape[-1], dtype=np.int64) * room
        window = -(-cycles // room)
        return windowed_maximum(start + rising, window) - rising + cycles
    end = np.empty_like(start)
    for distinct in np.unique(cycles).tolist():
        lines = cycles[:, 0] == distinct
        end[lines] = _chain_ends(start[lines], distinct, room)
    return end


def _position_index(sweep: Sweep, block: LineBlock, activity: Chain, groups: Groups) -> IntArray:
    """(lines, groups, stages) row-major index of the PE that sends in each stage."""
    number = np.arange(groups.count, dtype=np.int64)[:, None] * groups.size
    stage = np.arange(1, groups.size, dtype=np.int64)
    along = groups.first + (number + stage) * groups.spacing
    if activity.spacing < 0:
        along = -along
    line = block.row_major(sweep.spec, activity.root)[:, None, None]
    return line + along * (1 if activity.axis == "row" else sweep.spec.cols)


def star(sweep: Sweep, index: int, activity: Star) -> None:
    """Each leaf sends straight to the root, which takes the nearest first [4.2]."""
    if activity.positions == 1:
        return
    spec, bookings = sweep.spec, sweep.bookings
    for block in line_blocks(activity, spec):
        lines = Lines(
            block.region, block.axis, activity.root, activity.direction, activity.positions
        )
        root = Ramps(lines, 0, 1)
        root_free: IntArray = root.of(sweep.ready).copy()
        for leaf in range(1, activity.positions):
            flow = Flow(index, leaf, activity.channel)
            pes, links = Ramps(lines, leaf, leaf + 1), Inward(lines, leaf)
            start = pes.of(sweep.ready).copy()
            source = block.row_major(spec, activity.root + leaf * activity.direction)[:, None]
            heads = start[:, 0] + spec.touch_cycles + spec.ramp_cycles
            waits = bookings.waits_of(flow, links)
            asked = link_requests(heads, leaf, spec.hop_cycles, bookings.free(flow, links), waits)
            granted = bookings.book(flow, links, asked, waits, block.cycles, source)
            asked = granted[:, -1:] + spec.hop_cycles
            waits, free = bookings.waits_of(flow, root), bookings.free(flow, root)
            asked = asked if free is None else np.maximum(asked, free)
            arrival = bookings.book(flow, root, asked, waits, block.cycles, source)
            arrival = arrival + spec.ramp_cycles
            latency = spec.touch_cycles + 2 * spec.ramp_cycles + leaf * spec.hop_cycles
            if (arrival < start + latency).any():
                raise ConservationError(
                    f"{activity.name!r} reaches a PE faster than its links allow"
                )
            taken = np.maximum(arrival, root_free)
            root_free = sweep.touch(root, taken, block.cycles)
            end = sweep.touch(pes, start, block.cycles)
            room = latency + spec.queue_depth_wavelets
            late = np.where(block.cycles > room, taken + block.cycles - room, end)
            sweep.release(index, pes, np.maximum(end, late))
        sweep.release(index, root, root_free)
