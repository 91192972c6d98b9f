"""What single PEs and links did: when PEs were released, which messages used a link and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wse_emulator.activities import ProgramPart, leaves, unroll
from wse_emulator.engines.array.fixed_point import serve
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.settling import settle
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import PLANES
from wse_emulator.wafer.spec import WaferSpec


def releases_at(
    spec: WaferSpec, program: Sequence[ProgramPart], pes: Sequence[tuple[int, int]], op_count: int
) -> IntArray:
    """The cycle in which each PE was done with each activity, of shape (activities, pes).

    Activities are the leaves of the program; of one in a loop it is the last pass that counts. A PE
    that takes no part in an activity has the cycle of the activity before. The times are
    computed again for this, because only they tell which PEs are of interest.
    """
    rows, cols = np.array([pe[0] for pe in pes]), np.array([pe[1] for pe in pes])
    released = np.zeros((sum(1 for _ in leaves(program)), len(pes)), dtype=np.int64)

    def observe(index: int, sweep: Sweep) -> None:
        released[index] = sweep.ready[rows, cols]

    settle(spec, program, op_count, ChainTables(), observe, most_waiting=None)
    return released


class LinkUse(NamedTuple):
    """A booking of a link: the activity (a leaf of the program), the first cycle and the end."""

    activity: int
    start_cycle: int
    end_cycle: int


def bookings_at(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    links: Sequence[tuple[int, int, int]],
    op_count: int,
) -> tuple[tuple[LinkUse, ...], ...]:
    """The bookings of each of some links, given as (plane, row, col), in order of time."""
    watched = np.zeros((len(PLANES), spec.rows, spec.cols), dtype=np.bool_)
    numbers = []
    for plane, row, col in links:
        watched[plane, row, col] = True
        numbers.append((plane * spec.rows + row) * spec.cols + col)
    sweep, _ = settle(spec, program, op_count, ChainTables(), watched=watched, most_waiting=None)
    if not sweep.bookings.requests:
        return tuple(() for _ in links)
    requests, granted = serve(sweep.bookings.requests)
    leaf = np.array([leaf for leaf, _ in unroll(program)], np.int64)
    found = []
    for number in numbers:
        here = requests.link == number
        start, activity = granted[here], leaf[requests.activity[here]]
        columns = (activity, start, start + requests.cycles[here])
        found.append(tuple(map(LinkUse._make, zip(*(c.tolist() for c in columns), strict=True))))
    return tuple(found)
