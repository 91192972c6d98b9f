"""Messages that spread from a source, in the array engine: multicasts and plain sends.

Numbers in brackets are the rules of docs/machine_rules.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import LineMulticast, Multicast, Send
from wse_emulator.engines.array.bookings import Flow, Track
from wse_emulator.engines.array.link_views import Lines, Outward, Ramps, Takers
from wse_emulator.engines.array.multicast_arms import Arm, line_spreads, rectangle_spread
from wse_emulator.engines.array.scans import link_requests
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import free_latency
from wse_emulator.wafer.region import Region


def multicast(sweep: Sweep, index: int, activity: Multicast) -> None:
    """Run a multicast: along the root's column, and from there along the rows [4.3]."""
    region, row = activity.region, activity.root[0]
    if activity.wavelets == 0 or region.pes == 1:
        return
    geometry = (activity.channel, region, activity.root, activity.wavelets)
    known = sweep.spreads.get(geometry)
    if known is None:
        known = sweep.spreads[geometry] = (rectangle_spread(activity, sweep.arrays),)
    (spread,) = known
    spec = sweep.spec
    start: IntArray = spread.root.ready[0].copy()
    flow = Flow(index, 0, activity.channel, int(start[0]))
    source = sweep.index(activity.root)
    heads = np.empty(region.rows, np.int64)  # at the routers of the root's column
    at = row - region.row
    heads[at] = start[0] + spec.touch_cycles + spec.ramp_cycles
    arrivals = []
    for direction, arm in spread.columns:
        routers = _travel(sweep, flow, arm, heads[at : at + 1], source)
        behind = heads[at + 1 :] if direction > 0 else heads[:at][::-1]
        behind[...] = routers[0]
        arrivals.append((arm, _descend(sweep, flow, arm, routers, source)))
    away = np.arange(region.rows) != at
    turned = heads + away * spec.turn_cycles
    for arm in spread.rows:
        routers = _travel(sweep, flow, arm, turned, source)
        arrivals.append((arm, _descend(sweep, flow, arm, routers, source)))
    _finish(sweep, flow, spread.root, start, arrivals, spread.cycles)


def line_multicast(sweep: Sweep, index: int, activity: LineMulticast) -> None:
    """Run one message in each line, from the root's position to both sides."""
    geometry = (
        activity.channel,
        activity.region,
        activity.axis,
        activity.root,
        activity.wavelets,
    )
    spreads = sweep.spreads.get(geometry)
    if spreads is None:
        spreads = sweep.spreads[geometry] = tuple(line_spreads(activity, sweep.arrays))
    for spread in spreads:
        start: IntArray = spread.root.ready[:, 0].copy()
        flow = Flow(index, 0, activity.channel, int(start.min()))
        heads = start + sweep.spec.touch_cycles + sweep.spec.ramp_cycles
        source = spread.block.row_major(sweep.spec, activity.root)[:, None]
        arrivals = []
        for arm in spread.rows:
            routers = _travel(sweep, flow, arm, heads, source)
            arrivals.append((arm, _descend(sweep, flow, arm, routers, source)))
        _finish(sweep, flow, spread.root, start, arrivals, spread.cycles)


def send(sweep: Sweep, index: int, activity: Send) -> None:
    """Run one message from a PE to another: along the row, then along the column [4.3]."""
    if activity.wavelets == 0 or activity.source == activity.sink:
        return
    spec = sweep.spec
    (row, col), (sink_row, sink_col) = activity.source, activity.sink
    cycles = sweep.duration(activity.wavelets)
    source = sweep.index(activity.source)
    pe = sweep.arrays.pes(Ramps(Lines(Region(row, col, 1, 1), "row", col, 1, 1), 0, 1))
    start = pe.ready[0].copy()
    flow = Flow(index, 0, activity.channel, int(start[0]))
    heads = start + spec.touch_cycles + spec.ramp_cycles
    legs = (
        Lines(
            Region(row, 0, 1, spec.cols), "row", col, _sign(sink_col - col), abs(sink_col - col) + 1
        ),
        Lines(
            Region(0, sink_col, spec.rows, 1),
            "column",
            row,
            _sign(sink_row - row),
            abs(sink_row - row) + 1,
        ),
    )
    corner = col != sink_col and row != sink_row
    for number, leg in enumerate(legs):
        if leg.length > 1:
            if number == 1 and corner:
                heads = heads + spec.turn_cycles
            links = sweep.bookings.track(activity.channel, Outward(leg, 0, leg.length - 1))
            links.busy += cycles * sweep.weight
            heads = _pass(sweep, flow, links, heads, cycles, source)[:, -1]
    ramp = Ramps(Lines(Region(sink_row, sink_col, 1, 1), "row", sink_col, 1, 1), 0, 1)
    length = abs(sink_col - col) + abs(sink_row - row)
    arm = Arm(
        cycles,
        None,
        sweep.bookings.track(activity.channel, ramp),
        sweep.arrays.pes(ramp),
        np.array([[free_latency(length, spec, int(corner))]]),
    )
    arrival = _descend(sweep, flow, arm, heads[:, None], source)
    _finish(sweep, flow, pe, start, [(arm, arrival)], cycles)
    arm.count()


def _travel(
    sweep: Sweep, flow: Flow, arm: Arm, heads: IntArray, source: int | IntArray
) -> IntArray:
    """Heads at position 0 of each line pass all links of an arm [3.2].

    Returns:
        (lines, positions) cycles in which they are at the routers of the positions behind it.
    """
    assert arm.links is not None
    return _pass(sweep, flow, arm.links, heads, arm.cycles, source)


def _pass(
    sweep: Sweep,
    flow: Flow,
    links: Track,
    heads: IntArray,
    cycles: int | IntArray,
    source: int | IntArray,
) -> IntArray:
    """Pass links outward; returns the cycle in which each head is at the router behind its link."""
    hop, bookings = sweep.spec.hop_cycles, sweep.bookings
    waits = bookings.waits_of(flow, links)
    count = links.busy.shape[-1]
    asked = link_requests(heads, count, hop, bookings.free(links), waits)
    return bookings.grant(flow, links, asked, waits, cycles, source) + hop


def _descend(
    sweep: Sweep, flow: Flow, arm: Arm, routers: IntArray, source: int | IntArray
) -> IntArray:
    """Go down the ramps from the routers to the PEs [3.3]; returns the arrivals."""
    bookings = sweep.bookings
    free, waits = bookings.free(arm.ramps), bookings.waits_of(flow, arm.ramps)
    asked = routers if free is None else np.maximum(routers, free)
    granted = bookings.grant(flow, arm.ramps, asked, waits, arm.cycles, source)
    return granted + sweep.spec.ramp_cycles


def _finish(
    sweep: Sweep,
    flow: Flow,
    root: Takers,
    start: IntArray,
    arrivals: Sequence[tuple[Arm, IntArray]],
    cycles: int | IntArray,
) -> None:
    """Touches of source and sinks, and their releases [3.1, 3.5, 3.6].

    Args:
        start: (sources,) cycle of each source's touch; the lines of the arms run over the
            sources, or there is one source for all lines.
        arrivals: (lines, positions) cycle in which the head is at each PE of an arm.
    """
    starts = []
    source_end = start + (cycles if isinstance(cycles, int) else cycles[:, 0])
    held = np.zeros_like(source_end)
    longest = cycles if isinstance(cycles, int) else int(cycles.max())
    for arm, arrival in arrivals:
        if (arrival < start[:, None] + arm.latency).any():
            raise ConservationError(
                f"{sweep.activities[flow.activity].name!r} reaches a PE faster than its links allow"
            )
        begin = np.maximum(arrival, arm.pes.ready)
        starts.append(begin)
        if arm.nearest + sweep.spec.queue_depth_wavelets < longest:
            room = arm.latency + sweep.spec.queue_depth_wavelets
            late = np.where(cycles > room, begin + cycles - room, 0).max(axis=1)
            held = np.maximum(held, late if start.size == late.size else late.max())
    holds = held > 0
    source_end = np.maximum(source_end, held)
    sweep.touch(root, start[:, None], cycles)
    sweep.release(flow, root, int(start.min()), source_end[:, None])
    for (arm, _), begin in zip(arrivals, starts, strict=True):
        end = sweep.touched(arm.pes, begin, cycles)
        arm.uses += sweep.weight
        if holds.any():
            end = np.maximum(end, source_end[:, None] + arm.latency)
        sweep.release(flow, arm.pes, int(arm.pes.ready.min()), end)


def _sign(difference: int) -> int:
    return 1 if difference >= 0 else -1
