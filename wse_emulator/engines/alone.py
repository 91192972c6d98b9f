"""Run a few activities on a wafer that holds nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import (
    MOST_CYCLES,
    Activity,
    Chain,
    Multicast,
    ProgramPart,
    Send,
    Star,
    Work,
    leaves,
    line_wavelets,
)
from wse_emulator.engines import simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import CollectiveError
from wse_emulator.wafer.messages import free_latency, message_cycles, task_cycles
from wse_emulator.wafer.spec import WaferSpec


def run_alone(
    program: Sequence[ProgramPart], spec: WaferSpec, *, engine: str = "array", ops: int = 1
) -> Timing:
    """Simulate a program on a wafer that holds nothing else, without what is in use over time.

    Args:
        program: activities and loops in order, inside the wafer.
        spec: the machine.
        engine: as in :func:`wse_emulator.engines.simulate`.
        ops: number of ops that works refer to.

    Raises:
        CollectiveError: the program may take more than ``MOST_CYCLES`` cycles.
    """
    longest = most_cycles(program, spec)
    if longest > MOST_CYCLES:
        raise CollectiveError(
            f"this may take {longest:,} cycles, and {MOST_CYCLES:,} are the most that are "
            "simulated by themselves; give shorter vectors or fewer PEs"
        )
    resident = np.zeros((spec.rows, spec.cols), np.int64)
    return simulate(
        engine, spec, tuple(program), resident_bytes=resident, op_count=ops, over_time=False
    )


def most_cycles(program: Sequence[ProgramPart], spec: WaferSpec) -> int:
    """No fewer cycles than a program takes: those of its activities one after the other."""
    return sum(times * _serial_cycles(activity, spec) for activity, times in leaves(program))


def _serial_cycles(activity: Activity, spec: WaferSpec) -> int:
    """No fewer cycles than the activity takes when it runs all by itself."""
    if isinstance(activity, Work):
        return max(
            (sum(op.strip_cycles * chain.strips + op.tail_cycles for op in chain.ops))
            for chain in activity.chains
        )
    if isinstance(activity, Multicast | Send):
        wavelets = activity.wavelets
    else:
        wavelets = max(line_wavelets(activity))
    b = message_cycles(wavelets, spec)
    if isinstance(activity, Star):
        return b * activity.positions + free_latency(activity.positions, spec)
    if isinstance(activity, Chain):
        stage = free_latency(abs(activity.spacing), spec)
        if activity.software:
            stage += task_cycles(spec)
        return b + activity.positions * stage
    return b + free_latency(activity.region.rows + activity.region.cols, spec)
