"""Passes over a program until every time is settled [8.1, 8.2]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import (
    Activity,
    Chain,
    LineMulticast,
    Multicast,
    ProgramPart,
    Send,
    Shift,
    Star,
    Work,
    leaves,
)
from wse_emulator.engines.array.bookings import Bookings
from wse_emulator.engines.array.channel_slots import channels_of
from wse_emulator.engines.array.fixed_point import WaitsByFlow, same_waits, waits_from
from wse_emulator.engines.array.loops import Leaf, Run, planned, run_parts
from wse_emulator.engines.array.multicasts import line_multicast, multicast, send
from wse_emulator.engines.array.occupancy import MOST_WAITING, Changes
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.reductions import chain, star
from wse_emulator.engines.array.shifts import shift
from wse_emulator.engines.array.sweep import Sweep
from wse_emulator.wafer.spec import WaferSpec


def settle(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    op_count: int,
    tables: ChainTables,
    observe: Callable[[int, Sweep], None] | None = None,
    watched: NDArray[np.bool_] | None = None,
    most_waiting: int | None = MOST_WAITING,
) -> tuple[Sweep, int]:
    """Go through a program again and again until no further link is marked and no wait changes.

    Args:
        spec: the machine.
        program: activities and loops, in order.
        op_count: ops of the step program.
        tables: tables of the chains seen so far.
        observe: called with the number of a leaf and the wafer's state, each time that an activity
            has run. What it sees last of a leaf is the answer.
        watched: (5, rows, cols) links whose requests are collected in every pass.
        most_waiting: as in :class:`Changes`; None where what is in use cycle by cycle is not
            asked for. Loops then jump over equal passes [8.4].

    Returns:
        The state after the last pass, and how many passes it took: 1 if no message waits for
        another channel's.
    """
    marked = watched
    waits: WaitsByFlow = {}
    channels = channels_of(program)
    written, parts = tuple(leaves(program)), planned(program, channels.slots)
    passes = 0
    while True:
        passes += 1
        bookings = Bookings(spec, channels, marked, waits, Changes(most_waiting))
        sweep = Sweep(spec, written, op_count, tables, bookings, most_waiting)
        run = _runner(sweep, observe)
        run_parts(sweep, parts, run, jumps=most_waiting is None)
        found = waits_from(bookings.requests)
        if bookings.newly_marked is None and same_waits(found, waits):
            sweep.count()
            return sweep, passes
        waits = found
        if bookings.newly_marked is not None:
            marked = bookings.newly_marked if marked is None else marked | bookings.newly_marked


def _runner(sweep: Sweep, observe: Callable[[int, Sweep], None] | None) -> Run:
    def run(leaf: Leaf) -> None:
        _advance(sweep, leaf.number, leaf.activity)
        if observe is not None:
            observe(leaf.number, sweep)

    return run


def _advance(sweep: Sweep, index: int, activity: Activity) -> None:
    """Compute the times of the PEs and links of one activity."""
    sweep.begin(index)
    match activity:
        case Work():
            sweep.work(index, activity)
        case Multicast():
            multicast(sweep, index, activity)
        case LineMulticast():
            line_multicast(sweep, index, activity)
        case Chain():
            chain(sweep, index, activity)
        case Star():
            star(sweep, index, activity)
        case Shift():
            shift(sweep, index, activity)
        case Send():
            send(sweep, index, activity)
