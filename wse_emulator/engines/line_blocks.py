"""The lines of an activity that send something, as few rectangles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from wse_emulator.activities import Axis, LineActivity
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.messages import message_cycles
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Consecutive lines with a message of at least one wavelet.

    Attributes:
        region: the lines.
        axis: how they run.
        cycles: duration on a link; one number, or (lines, 1) if lines differ.
    """

    region: Region
    axis: Axis
    cycles: int | IntArray

    @property
    def extent(self) -> tuple[int, int]:
        """First absolute position along the lines, and their length."""
        if self.axis == "row":
            return self.region.col, self.region.cols
        return self.region.row, self.region.rows

    def row_major(self, spec: WaferSpec, position: int) -> IntArray:
        """(lines,) row-major indices of the PEs at an absolute position of each line."""
        if self.axis == "row":
            rows = np.arange(self.region.row, self.region.row_stop, dtype=np.int64)
            return rows * spec.cols + position
        cols = np.arange(self.region.col, self.region.col_stop, dtype=np.int64)
        return position * spec.cols + cols


def line_blocks(activity: LineActivity, spec: WaferSpec) -> Iterator[LineBlock]:
    """The lines that send at least one wavelet, in blocks of neighbouring lines."""
    region, axis = activity.region, activity.axis
    if isinstance(activity.wavelets, int):
        if activity.wavelets:
            yield LineBlock(region, axis, message_cycles(activity.wavelets, spec))
        return
    lasts = {wavelets: message_cycles(wavelets, spec) for wavelets in set(activity.wavelets)}
    cycles = [lasts[wavelets] for wavelets in activity.wavelets]
    first = 0
    for sends, run in groupby(cycles, bool):
        lines = list(run)
        if sends:
            part = (
                Region(region.row + first, region.col, len(lines), region.cols)
                if axis == "row"
                else Region(region.row, region.col + first, region.rows, len(lines))
            )
            same = len(set(lines)) == 1
            yield LineBlock(part, axis, lines[0] if same else np.array(lines, np.int64)[:, None])
        first += len(lines)
