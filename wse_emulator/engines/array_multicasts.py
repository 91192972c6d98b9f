"""Messages that spread from a source, in the array engine: multicasts and plain sends.

Numbers in brackets are the rules of the machine semantics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import LineMulticast, Multicast, Send
from wse_emulator.engines.bookings import Flow
from wse_emulator.engines.line_blocks import line_blocks
from wse_emulator.engines.link_views import Lines, Outward, Ramps
from wse_emulator.engines.scans import link_requests
from wse_emulator.engines.sweep import Sweep
from wse_emulator.engines.timing import IntArray
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.region import Region

NO_DETOUR: IntArray = np.zeros(1, np.int64)


@dataclass(frozen=True, slots=True)
class Sinks:
    """PEs that a message reaches along one arm.

    Attributes:
        pes: which.
        arrival: (lines, positions) cycle in which the head is at the PE.
        latency: lambda(d) of each, broadcast against ``arrival``.
    """

    pes: Ramps
    arrival: IntArray
    latency: IntArray


def multicast(sweep: Sweep, index: int, activity: Multicast) -> None:
    """One message from the root along its column, and from there along the rows [4.3]."""
    region, (row, col) = activity.region, activity.root
    if activity.wavelets == 0 or region.pes == 1:
        return
    spec = sweep.spec
    cycles = sweep.duration(activity.wavelets)
    flow = Flow(index, 0, activity.channel)
    root = Ramps(Lines(Region(row, col, 1, 1), "row", col, 1, 1), 0, 1)
    start = root.of(sweep.ready)[0].copy()
    source = sweep.index(activity.root)
    column = Region(region.row, col, region.rows, 1)
    heads = np.empty(region.rows, np.int64)  # at the routers of the root's column
    heads[row - region.row] = start[0] + spec.touch_cycles + spec.ramp_cycles
    sinks = []
    at = row - region.row
    for direction, length in ((1, region.row_stop - row), (-1, at + 1)):
        if length > 1:
            lines = Lines(column, "column", row, direction, length)
            routers = _travel(sweep, flow, lines, heads[at : at + 1], cycles, source)
            behind = heads[at + 1 :] if direction > 0 else heads[:at][::-1]
            behind[...] = routers[0]
            sinks.append(_take(sweep, flow, lines, routers, cycles, source, NO_DETOUR))
    away = np.abs(np.arange(region.row, region.row_stop, dtype=np.int64) - row)
    detour = away * spec.hop_cycles + (away > 0) * spec.turn_cycles
    turned = heads + (away > 0) * spec.turn_cycles
    for direction, length in ((1, region.col_stop - col), (-1, col - region.col + 1)):
        lines = Lines(region, "row", col, direction, length)
        if length > 1:
            routers = _travel(sweep, flow, lines, turned, cycles, source)
            sinks.append(_take(sweep, flow, lines, routers, cycles, source, detour))
    _finish(sweep, index, root, start, sinks, cycles)


def line_multicast(sweep: Sweep, index: int, activity: LineMulticast) -> None:
    """One message a line, from the root's position to both sides."""
    flow = Flow(index, 0, activity.channel)
    for block in line_blocks(activity, sweep.spec):
        first, length = block.extent
        if length == 1:
            continue
        before, after = activity.root - first, first + length - activity.root
        root = Ramps(Lines(block.region, activity.axis, activity.root, 1, after), 0, 1)
        start = root.of(sweep.ready)[:, 0].copy()
        heads = start + sweep.spec.touch_cycles + sweep.spec.ramp_cycles
        source = block.row_major(sweep.spec, activity.root)[:, None]
        sinks = []
        for direction, positions in ((1, after), (-1, before + 1)):
            lines = Lines(block.region, activity.axis, activity.root, direction, positions)
            if positions > 1:
                routers = _travel(sweep, flow, lines, heads, block.cycles, source)
                sinks.append(_take(sweep, flow, lines, routers, block.cycles, source, NO_DETOUR))
        _finish(sweep, index, root, start, sinks, block.cycles)


def send(sweep: Sweep, index: int, activity: Send) -> None:
    """One message along the row, then along the column [4.3]."""
    if activity.wavelets == 0 or activity.source == activity.sink:
        return
    spec = sweep.spec
    (row, col), (sink_row, sink_col) = activity.source, activity.sink
    cycles = sweep.duration(activity.wavelets)
    flow = Flow(index, 0, activity.channel)
    source = sweep.index(activity.source)
    pe = Ramps(Lines(Region(row, col, 1, 1), "row", col, 1, 1), 0, 1)
    start = pe.of(sweep.ready)[0].copy()
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
            heads = _travel(sweep, flow, leg, heads, cycles, source)[:, -1]
    last = Lines(Region(sink_row, sink_col, 1, 1), "row", sink_col, 1, 1)
    ramp = Ramps(last, 0, 1)
    arrival = _descend(sweep, flow, ramp, heads[:, None], cycles, source)
    links = abs(sink_col - col) + abs(sink_row - row)
    latency = _latency(sweep, np.array([[links * spec.hop_cycles + corner * spec.turn_cycles]]))
    _finish(sweep, index, pe, start, [Sinks(ramp, arrival, latency)], cycles)


def _travel(
    sweep: Sweep,
    flow: Flow,
    lines: Lines,
    heads: IntArray,
    cycles: int | IntArray,
    source: int | IntArray,
) -> IntArray:
    """Heads at position 0 of each line pass all links outward [3.2].

    Returns:
        (lines, length - 1) cycles in which they are at the routers of the positions behind it.
    """
    hop = sweep.spec.hop_cycles
    view = Outward(lines, 0, lines.length - 1)
    bookings = sweep.bookings
    waits = bookings.waits_of(flow, view)
    asked = link_requests(heads, lines.length - 1, hop, bookings.free(flow, view), waits)
    return bookings.book(flow, view, asked, waits, cycles, source) + hop


def _take(
    sweep: Sweep,
    flow: Flow,
    lines: Lines,
    routers: IntArray,
    cycles: int | IntArray,
    source: int | IntArray,
    detour: IntArray,
) -> Sinks:
    """All PEs behind position 0 take the message; ``detour`` is what each line's heads have
    spent on links and corners before position 0."""
    ramps = Ramps(lines, 1, lines.length)
    arrival = _descend(sweep, flow, ramps, routers, cycles, source)
    along = np.arange(1, lines.length, dtype=np.int64) * sweep.spec.hop_cycles
    return Sinks(ramps, arrival, _latency(sweep, detour[:, None] + along))


def _descend(
    sweep: Sweep,
    flow: Flow,
    ramps: Ramps,
    routers: IntArray,
    cycles: int | IntArray,
    source: int | IntArray,
) -> IntArray:
    """Heads at routers go down the ramps to the PEs [3.3]; returns the arrivals."""
    bookings = sweep.bookings
    free, waits = bookings.free(flow, ramps), bookings.waits_of(flow, ramps)
    asked = routers if free is None else np.maximum(routers, free)
    return bookings.book(flow, ramps, asked, waits, cycles, source) + sweep.spec.ramp_cycles


def _latency(sweep: Sweep, travel: IntArray) -> IntArray:
    """lambda(d) of [1], for ``travel`` cycles on links and corners."""
    return travel + sweep.spec.touch_cycles + 2 * sweep.spec.ramp_cycles


def _finish(
    sweep: Sweep,
    index: int,
    root: Ramps,
    start: IntArray,
    sinks: list[Sinks],
    cycles: int | IntArray,
) -> None:
    """Touches of source and sinks, and their releases [3.1, 3.5, 3.6].

    Args:
        start: (sources,) cycle of each source's touch; the lines of ``sinks`` run over the
            sources, or there is one source for all lines.
    """
    starts = []
    source_end = start + (cycles if isinstance(cycles, int) else cycles[:, 0])
    held = np.zeros_like(source_end)
    for sink in sinks:
        if (sink.arrival < start[:, None] + sink.latency).any():
            raise ConservationError(
                f"{sweep.activities[index].name!r} reaches a PE faster than its links allow"
            )
        begin = np.maximum(sink.arrival, sink.pes.of(sweep.ready))
        starts.append(begin)
        room = sink.latency + sweep.spec.queue_depth_wavelets
        if np.min(room) < np.max(cycles):
            late = np.where(cycles > room, begin + cycles - room, 0).max(axis=1)
            held = np.maximum(held, late if start.size == late.size else late.max())
    holds = held > 0
    source_end = np.maximum(source_end, held)
    sweep.touch(root, start[:, None], cycles)
    sweep.release(index, root, source_end[:, None])
    for sink, begin in zip(sinks, starts, strict=True):
        end = sweep.touch(sink.pes, begin, cycles)
        if holds.any():
            end = np.maximum(end, source_end[:, None] + sink.latency)
        sweep.release(index, sink.pes, end)


def _sign(difference: int) -> int:
    return 1 if difference >= 0 else -1
