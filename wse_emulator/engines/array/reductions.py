"""Reductions along lines in the array engine: chains and stars.

Numbers in brackets are the rules of docs/machine_rules.md.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final

import numpy as np

from wse_emulator.activities import Chain, Star
from wse_emulator.engines.array.bookings import Flow
from wse_emulator.engines.array.chain_stages import Stages, stages_of
from wse_emulator.engines.array.link_views import Inward, Lines, Ramps
from wse_emulator.engines.array.scans import largest, link_requests, relay_starts, windowed_maximum
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.engines.line_blocks import line_blocks
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import free_latency, task_cycles, wavelets_on_the_way
from wse_emulator.wafer.spec import WaferSpec

NOBODY: IntArray = np.zeros(1, np.int64)
"""In place of the sources of messages, where no request is collected."""

_GEOMETRY: Final[attrgetter[tuple[object, ...]]] = attrgetter(
    "region", "axis", "root", "spacing", "positions", "group", "wavelets"
)
"""What decides which PEs and links a chain uses, and for how long."""


def chain(sweep: Sweep, index: int, activity: Chain) -> None:
    """Run a chain: each position adds what it receives and passes the sum on [4.1]."""
    geometry = (activity.channel, *_GEOMETRY(activity))
    found = sweep.stages.get(geometry)
    if found is None:
        found = tuple(stages_of(activity, sweep.arrays))
        sweep.stages[geometry] = found
    for stages in found:
        _advance(sweep, index, stages, activity)


def _advance(sweep: Sweep, index: int, stages: Stages, activity: Chain) -> None:
    """Pass the messages through all stages of equal groups."""
    spec, bookings = sweep.spec, sweep.bookings
    pes, links, ramps, cycles = stages.pes, stages.links, stages.ramps, stages.cycles
    groups, ready = stages.groups, pes.ready
    flow = Flow(index, 0, activity.channel, int(ready.min()))
    link_free, ramp_free = bookings.free(links), bookings.free(ramps)
    link_waits, ramp_waits = bookings.waits_of(flow, links), bookings.waits_of(flow, ramps)
    climb = spec.touch_cycles + spec.ramp_cycles
    task = task_cycles(spec) if activity.software else 0
    free = free_latency(groups.spacing, spec) + task
    start = ready.copy()
    if groups.size > 2:  # a stage starts when the one behind it is there
        earliest = _earliest_arrival(spec, task, link_free, ramp_free, link_waits, ramp_waits)
        if earliest is not None:
            np.maximum(start[..., :-1], earliest, out=start[..., :-1])
        latency: int | IntArray = free
        if link_waits is not None or ramp_waits is not None:
            latency = np.full(ready[..., 1:].shape, free, np.int64)
            if link_waits is not None:
                latency += link_waits.sum(axis=-1)
            if ramp_waits is not None:
                latency += np.maximum(ramp_waits - task, 0)
            latency = latency[..., ::-1]
        start = relay_starts(start[..., ::-1], latency)[..., ::-1]
    # the same times, link by link: what each message asks for on its way
    source = _position_index(sweep, stages, activity) if bookings.collects else NOBODY
    heads = start[..., 1:] + climb
    asked = link_requests(heads, groups.spacing, spec.hop_cycles, link_free, link_waits)
    granted = bookings.grant(flow, links, asked, link_waits, stages.link_cycles, source[..., None])
    at_ramp = granted[..., -1] + spec.hop_cycles
    asked = at_ramp if ramp_free is None else np.maximum(at_ramp, ramp_free)
    granted = bookings.grant(flow, ramps, asked, ramp_waits, cycles, source)
    # a task starts while the head waits for the ramp
    arrival = (
        np.maximum(granted, at_ramp + task) + spec.ramp_cycles
        if task
        else (granted + spec.ramp_cycles)
    )
    taken = np.maximum(ready[..., :-1], arrival)
    if groups.size == 2:
        start[..., :-1] = taken
    elif (start[..., :-1] != taken).any():
        raise ConservationError(
            f"{activity.name!r}: a position of the chain does not start when its message is there"
        )
    if (arrival < start[..., 1:] + free).any():
        raise ConservationError(f"{activity.name!r} reaches a PE faster than its links allow")
    end = sweep.touched(pes, start, cycles)
    stages.uses += sweep.weight
    room = wavelets_on_the_way(groups.spacing, spec)
    sweep.release(flow, pes, flow.first, _chain_ends(start, end, stages.block.cycles, room))


def _earliest_arrival(
    spec: WaferSpec,
    task: int,
    link_free: IntArray | None,
    ramp_free: IntArray | None,
    link_waits: IntArray | None,
    ramp_waits: IntArray | None,
) -> IntArray | None:
    """The earliest arrival that the channel's earlier messages leave possible in each stage.

    ``task`` is the time that the task of a stage in software takes to start. None if there are no
    earlier messages.
    """
    bounds: list[IntArray] = []
    if link_free is not None:
        # from the request on link q: its wait and hop, and those of the links behind it
        rest: IntArray = np.arange(link_free.shape[-1], 0, -1, dtype=np.int64) * spec.hop_cycles
        if link_waits is not None:
            rest = rest + np.cumsum(link_waits[..., ::-1], axis=-1)[..., ::-1]
        at_ramp = largest(link_free + rest)
        bounds.append(at_ramp + (task if ramp_waits is None else np.maximum(ramp_waits, task)))
    if ramp_free is not None:
        bounds.append(ramp_free if ramp_waits is None else ramp_free + ramp_waits)
    if not bounds:
        return None
    latest: IntArray = bounds[0] if len(bounds) == 1 else np.maximum(bounds[0], bounds[1])
    return latest + spec.ramp_cycles


def _chain_ends(start: IntArray, end: IntArray, cycles: int | IntArray, room: int) -> IntArray:
    """When each position is released: the maximum of s_(i-k) + B - k K over k with B > k K [4.1].

    ``end`` is s + B, the answer for messages that fit between two positions.
    """
    if isinstance(cycles, int):
        if cycles <= room:
            return end
        rising = np.arange(start.shape[-1], dtype=np.int64) * room
        window = -(-cycles // room)
        return windowed_maximum(start + rising, window) - rising + cycles
    held = np.empty_like(end)
    for distinct in np.unique(cycles).tolist():
        lines = cycles[:, 0] == distinct
        held[lines] = _chain_ends(start[lines], end[lines], distinct, room)
    return held


def _position_index(sweep: Sweep, stages: Stages, activity: Chain) -> IntArray:
    """(lines, groups, stages) row-major index of the PE that sends in each stage."""
    groups = stages.groups
    number = np.arange(groups.count, dtype=np.int64)[:, None] * groups.size
    stage = np.arange(1, groups.size, dtype=np.int64)
    along = groups.first + (number + stage) * groups.spacing
    if activity.spacing < 0:
        along = -along
    line = stages.block.row_major(sweep.spec, activity.root)[:, None, None]
    return line + along * (1 if activity.axis == "row" else sweep.spec.cols)


def star(sweep: Sweep, index: int, activity: Star) -> None:
    """Run a star: each leaf sends straight to the root, which takes the nearest first [4.2]."""
    if activity.positions == 1:
        return
    spec, bookings = sweep.spec, sweep.bookings
    for block in line_blocks(activity, spec):
        lines = Lines(
            block.region, block.axis, activity.root, activity.direction, activity.positions
        )
        root = sweep.arrays.pes(Ramps(lines, 0, 1))
        ramp = bookings.track(activity.channel, Ramps(lines, 0, 1))
        root_free: IntArray = root.ready.copy()
        for leaf in range(1, activity.positions):
            pes = sweep.arrays.pes(Ramps(lines, leaf, leaf + 1))
            links = bookings.track(activity.channel, Inward(lines, leaf))
            start = pes.ready.copy()
            flow = Flow(index, leaf, activity.channel, int(start.min()))
            source = block.row_major(spec, activity.root + leaf * activity.direction)[:, None]
            heads = start[:, 0] + spec.touch_cycles + spec.ramp_cycles
            waits = bookings.waits_of(flow, links)
            asked = link_requests(heads, leaf, spec.hop_cycles, bookings.free(links), waits)
            if sweep.weight:
                links.busy += block.cycles * sweep.weight
                ramp.busy += block.cycles * sweep.weight
            granted = bookings.grant(flow, links, asked, waits, block.cycles, source)
            asked = granted[:, -1:] + spec.hop_cycles
            waits, free = bookings.waits_of(flow, ramp), bookings.free(ramp)
            asked = asked if free is None else np.maximum(asked, free)
            arrival = bookings.grant(flow, ramp, asked, waits, block.cycles, source)
            arrival = arrival + spec.ramp_cycles
            if (arrival < start + free_latency(leaf, spec)).any():
                raise ConservationError(
                    f"{activity.name!r} reaches a PE faster than its links allow"
                )
            taken = np.maximum(arrival, root_free)
            root_free = sweep.touch(root, taken, block.cycles)
            end = sweep.touch(pes, start, block.cycles)
            room = wavelets_on_the_way(leaf, spec)
            late = np.where(block.cycles > room, taken + block.cycles - room, end)
            sweep.release(flow, pes, flow.first, np.maximum(end, late))
        sweep.release(flow, root, int(root.ready.min()), root_free)
