"""Shifts along lines in the array engine: every PE sends two places on, all at once [4.5]."""

from __future__ import annotations

import numpy as np

from wse_emulator.activities import Shift
from wse_emulator.engines.array.bookings import Flow
from wse_emulator.engines.array.folded_rings import FoldedRing, folded_rings
from wse_emulator.engines.array.scans import link_requests
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.messages import free_latency, wavelets_on_the_way


def shift(sweep: Sweep, index: int, activity: Shift) -> None:
    """Run a shift: each PE sends at once, and goes when both its messages are through [4.5]."""
    geometry = (activity.channel, activity.region, activity.axis, activity.wavelets)
    rings = sweep.rings.get(geometry)
    if rings is None:
        rings = sweep.rings[geometry] = tuple(folded_rings(activity, sweep.arrays))
    for ring in rings:
        _turn(sweep, index, ring, activity)


def _turn(sweep: Sweep, index: int, ring: FoldedRing, activity: Shift) -> None:
    """Pass the messages of all PEs one place on along the ring."""
    spec, bookings, pes, cycles = sweep.spec, sweep.bookings, ring.pes, ring.block.cycles
    on_ramps = cycles if isinstance(cycles, int) else cycles[..., None]
    on_links = cycles if isinstance(cycles, int) else cycles[..., None, None]
    ready = pes.ready
    flow = Flow(index, 0, activity.channel, int(ready.min()))
    heads = ready + (spec.touch_cycles + spec.ramp_cycles)
    start = np.empty_like(ready)
    for steps in ring.steps:
        links, ramps = steps.links, steps.ramps
        sends = ring.row_major[:, None, steps.sources]
        waits = bookings.waits_of(flow, links)
        asked = link_requests(
            heads[:, None, steps.sources],
            steps.distance,
            spec.hop_cycles,
            bookings.free(links),
            waits,
        )
        granted = bookings.grant(flow, links, asked, waits, on_links, sends[..., None])
        free, waits = bookings.free(ramps), bookings.waits_of(flow, ramps)
        asked = granted[..., -1] + spec.hop_cycles
        if free is not None:
            np.maximum(asked, free, out=asked)
        granted = bookings.grant(flow, ramps, asked, waits, on_ramps, sends)
        arrival = granted[:, 0] + spec.ramp_cycles
        if (arrival < ready[:, steps.sources] + free_latency(steps.distance, spec)).any():
            raise ConservationError(f"{activity.name!r} reaches a PE faster than its links allow")
        start[:, steps.sinks] = np.maximum(arrival, ready[:, steps.sinks])
    end = sweep.touched(pes, start, cycles)
    ring.uses += sweep.weight
    for steps in ring.steps:
        room = wavelets_on_the_way(steps.distance, spec)
        late = np.where(cycles > room, start[:, steps.sinks] + cycles - room, 0)
        end[:, steps.sources] = np.maximum(end[:, steps.sources], late)
    sweep.release(flow, pes, flow.first, end)
