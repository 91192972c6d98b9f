"""Scale an array of a whole wafer down to a screen without hiding the worst PE."""

from __future__ import annotations

from typing import Literal

import numpy as np

from wse_emulator.wafer.arrays import FloatArray, IntArray


def block_size(rows: int, cols: int, cells: int) -> int:
    """How many rows and columns of PEs become one cell, so that there are at most ``cells`` of
    each."""
    return max(1, -(-max(rows, cols) // cells))


def reduce_blocks(
    field: IntArray | FloatArray, side: int, how: Literal["max", "mean"]
) -> FloatArray:
    """Reduce a field of shape (rows, cols): each block of ``side`` x ``side`` PEs becomes one cell.

    Blocks at the lower and right edge may be smaller; their mean is over the PEs they have.
    """
    if side == 1:
        return field.astype(np.float64)
    rows, cols = field.shape
    row_starts, col_starts = np.arange(0, rows, side), np.arange(0, cols, side)
    if how == "max":
        lines = np.maximum.reduceat(field, row_starts, axis=0)
        return np.maximum.reduceat(lines, col_starts, axis=1).astype(np.float64)
    sums = np.add.reduceat(field.astype(np.float64), row_starts, axis=0)
    sums = np.add.reduceat(sums, col_starts, axis=1)
    heights = np.diff(np.append(row_starts, rows))
    widths = np.diff(np.append(col_starts, cols))
    return np.asarray(sums / np.outer(heights, widths), dtype=np.float64)


def block_words(side: int, how: str) -> str:
    """The words that say how many PEs a cell of the picture stands for."""
    return "each PE" if side == 1 else f"{how} of {side} x {side} PEs"
