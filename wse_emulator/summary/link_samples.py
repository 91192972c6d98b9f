"""When the busiest link of each direction was booked, and by which message."""

from __future__ import annotations

import numpy as np

from wse_emulator.engines.array.watch import bookings_at
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered
from wse_emulator.placement.values import Placement
from wse_emulator.results.run import LinkBooking, LinkSample
from wse_emulator.summary.critical_path import activities_that_affect
from wse_emulator.wafer.region import PLANES


def link_samples(
    placement: Placement, lowered: Lowered, timing: Timing, op_count: int
) -> tuple[LinkSample, ...]:
    """The busiest link of each direction that has traffic."""
    chosen: list[tuple[int, int, int]] = []
    for plane, load in enumerate(timing.link_busy):
        row, col = np.unravel_index(int(load.argmax()), load.shape)
        if load[row, col]:
            chosen.append((plane, int(row), int(col)))
    if not chosen:
        return ()
    pes = [(row, col) for _, row, col in chosen]
    activities = activities_that_affect(pes, placement, lowered.activities)
    uses = bookings_at(placement.wafer, activities, chosen, op_count)
    return tuple(
        LinkSample(
            pe=(row, col),
            direction=PLANES[plane],
            parts=tuple(
                LinkBooking(
                    what=activities[use.activity].name,
                    start_cycle=use.start_cycle,
                    end_cycle=use.end_cycle,
                )
                for use in found
            ),
        )
        for (plane, row, col), found in zip(chosen, uses, strict=True)
    )
