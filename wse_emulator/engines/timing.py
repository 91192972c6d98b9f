"""What both engines return: times of every op and activity, busy cycles of every PE and link.

The collector's pause, which both run under, stands here too.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wse_emulator.wafer.arrays import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """The answer of an engine. Times are in cycles; -1 stands for what never happened.

    Activities are the leaves of the program: each that is written in it, once, in order. One in a
    loop starts in its first pass and ends in its last.

    Attributes:
        elapsed_cycles: last release of any PE.
        activity_start, activity_end: (activities,) earliest ready, latest release.
        op_start, op_end: (ops of the step program,) over all PEs that run the op.
        pe_busy: (rows, cols) cycles of work and touches.
        pe_final: (rows, cols) release time of the last activity, 0 if none.
        link_busy: (5, rows, cols) cycles booked, in the order of ``PLANES``.
        sram_peak: (rows, cols) bytes: resident plus the largest sum of temporaries.
        busy_pes, busy_links, temporary_bytes: (elapsed_cycles,) over the whole wafer in each
            cycle: PEs busy, links booked (E, W, S, N only), bytes of temporaries allocated;
            (0,) if the run was asked to leave them out.
        events: events the engine processed.
        passes: passes until the array engine's fixed point (1 without waits; 0 for "pe").
    """

    elapsed_cycles: int
    activity_start: IntArray
    activity_end: IntArray
    op_start: IntArray
    op_end: IntArray
    pe_busy: IntArray
    pe_final: IntArray
    link_busy: IntArray
    sram_peak: IntArray
    busy_pes: IntArray
    busy_links: IntArray
    temporary_bytes: IntArray
    events: int
    passes: int


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector: with thousands of events and views each collection is slow."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
