"""The peak of temporaries in every PE, which depends on the order of the program and on no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import Loop, ProgramPart, Work, unroll
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.sram import check_released, overflow
from wse_emulator.errors import SramOverflowError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


def temporary_peaks(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    tables: ChainTables,
    resident_bytes: IntArray,
) -> IntArray:
    """The largest sum of temporaries in each PE, in bytes, of shape (rows, cols).

    Raises:
        SramOverflowError: a PE needs more than it has (the first in row-major order).
        ConservationError: a program leaves something allocated.
    """
    nothing = np.zeros((spec.rows, spec.cols), np.int64)
    temporaries = _Temporaries(tables, nothing, nothing.copy())
    temporaries.run(program)
    over = temporaries.peak + resident_bytes > spec.sram_bytes_per_pe
    if over.any():
        row, col = np.argwhere(over)[0].tolist()
        raise _overflow_of(spec, program, tables, row, col, int(resident_bytes[row, col]))
    check_released(program, temporaries.held)
    return temporaries.peak


@dataclass(slots=True, eq=False)
class _Temporaries:
    """What PEs hold after the activities so far.

    Attributes:
        held, peak: (rows, cols) bytes now, and the most so far.
        keeps: whether any PE holds temporaries between two activities.
    """

    tables: ChainTables
    held: IntArray
    peak: IntArray
    keeps: bool = False

    def run(self, program: Sequence[ProgramPart]) -> None:
        """Go through a part of a program.

        Each pass of a loop adds the same bytes to what a PE holds, so that the first or the last
        has the peak.
        """
        for part in program:
            if isinstance(part, Work):
                self.work(part)
            elif isinstance(part, Loop) and part.times:
                before = self.held.copy() if part.times > 1 else self.held
                self.run(part.body)
                if part.times > 1 and not np.array_equal(before, self.held):
                    self.held += (self.held - before) * (part.times - 2)
                    self.run(part.body)

    def work(self, work: Work) -> None:
        """Run one activity."""
        used = [self.tables[chain] for chain in work.chains]
        if not any(table.peak_bytes or table.net_bytes for table in used):
            return
        peaks = np.array([*(table.peak_bytes for table in used), 0], np.int64)
        nets = np.array([*(table.net_bytes for table in used), 0], np.int64)
        counts = [pes for pes, _ in work.runs]
        numbers = [chain for _, chain in work.runs]  # -1 is the zero at the end
        region = work.region.slices
        shape = (work.region.rows, work.region.cols)
        rise = np.repeat(peaks[numbers], counts).reshape(shape)
        if self.keeps:
            rise += self.held[region]
        self.peak[region] = np.maximum(self.peak[region], rise)
        if nets.any():
            self.keeps = True
            self.held[region] += np.repeat(nets[numbers], counts).reshape(shape)


def _overflow_of(
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    tables: ChainTables,
    row: int,
    col: int,
    resident: int,
) -> SramOverflowError:
    """Go through one PE's program again to find the first op that does not fit."""
    held = resident
    for _, activity in unroll(program):
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
