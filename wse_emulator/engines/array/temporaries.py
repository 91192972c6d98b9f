"""The peak of temporaries in every PE, which depends on the order of the program and on no time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.activities import Activity, Work
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.sram import check_released, overflow
from wse_emulator.errors import SramOverflowError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


def temporary_peaks(
    spec: WaferSpec,
    activities: Sequence[Activity],
    tables: ChainTables,
    resident_bytes: IntArray,
) -> IntArray:
    """The largest sum of temporaries in each PE, in bytes, of shape (rows, cols).

    Raises:
        SramOverflowError: a PE needs more than it has (the first in row-major order).
        ConservationError: a program leaves something allocated.
    """
    held: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
    peak: IntArray = np.zeros((spec.rows, spec.cols), np.int64)
    keeps = False  # whether any PE holds temporaries between two activities
    for activity in activities:
        if not isinstance(activity, Work):
            continue
        used = [tables[chain] for chain in activity.chains]
        if not any(table.peak_bytes or table.net_bytes for table in used):
            continue
        peaks = np.array([*(table.peak_bytes for table in used), 0], np.int64)
        nets = np.array([*(table.net_bytes for table in used), 0], np.int64)
        counts = [pes for pes, _ in activity.runs]
        numbers = [chain for _, chain in activity.runs]  # -1 is the zero at the end
        region = activity.region.slices
        shape = (activity.region.rows, activity.region.cols)
        rise = np.repeat(peaks[numbers], counts).reshape(shape)
        if keeps:
            rise += held[region]
        peak[region] = np.maximum(peak[region], rise)
        if nets.any():
            keeps = True
            held[region] += np.repeat(nets[numbers], counts).reshape(shape)
    over = peak + resident_bytes > spec.sram_bytes_per_pe
    if over.any():
        row, col = np.argwhere(over)[0].tolist()
        raise _overflow_of(spec, activities, tables, row, col, int(resident_bytes[row, col]))
    check_released(activities, held)
    return peak


def _overflow_of(
    spec: WaferSpec,
    activities: Sequence[Activity],
    tables: ChainTables,
    row: int,
    col: int,
    resident: int,
) -> SramOverflowError:
    """Go through one PE's program again to find the first op that does not fit."""
    held = resident
    for activity in activities:
        if not isinstance(activity, Work) or not activity.region.contains(row, col):
            continue
        region = activity.region
        place = (row - region.row) * region.cols + col - region.col
        ends = np.cumsum([pes for pes, _ in activity.runs])
        number = activity.runs[int(np.searchsorted(ends, place, side="right"))][1]
        if number < 0 or tables[activity.chains[number]].cycles == 0:
            continue
        chain = activity.chains[number]
        for strip in range(chain.strips + chain.tail):
            for op in chain.ops:
                if op.once and strip:
                    continue
                held += op.allocates_bytes
                if held > spec.sram_bytes_per_pe:
                    return overflow(spec, row, col, activity, op.op, held)
                held -= op.releases_bytes
    raise AssertionError("a PE whose peak exceeds its SRAM has an op that does")
