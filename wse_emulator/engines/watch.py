"""When chosen PEs were released from each activity: what a single PE's timeline is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import Activity
from wse_emulator.engines.op_tables import ChainTables
from wse_emulator.engines.settling import settle
from wse_emulator.engines.sweep import Sweep
from wse_emulator.engines.timing import IntArray
from wse_emulator.wafer.spec import WaferSpec


def releases_at(
    spec: WaferSpec, activities: Sequence[Activity], pes: Sequence[tuple[int, int]], op_count: int
) -> IntArray:
    """(activities, pes) cycle in which each PE had each activity of the program behind it.

    A PE that takes no part in an activity keeps the cycle of the one before. The program is
    settled again for this, since which PEs matter is known only from its times.
    """
    rows, cols = np.array([pe[0] for pe in pes]), np.array([pe[1] for pe in pes])
    released = np.zeros((len(activities), len(pes)), dtype=np.int64)

    def observe(index: int, sweep: Sweep) -> None:
        released[index] = sweep.ready[rows, cols]

    settle(spec, activities, op_count, ChainTables(), observe)
    return released
