"""Cutting one tensor into shards, one a PE, as equal as whole elements allow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from wse_emulator.placement.values import BlockGrid, ShardRuns
from wse_emulator.wafer.arrays import IntArray


def flat_runs(elements: int, pes: int, start: int = 0) -> ShardRuns:
    """Shards of a row-major tensor over ``pes`` PEs: floor or ceil elements each.

    Args:
        elements: number of elements, 0 or more.
        pes: number of PEs, 1 or more.
        start: the PE (modulo ``pes``) that takes the first surplus element. Passing the end of
            the tensor before (:func:`next_start`) keeps the sums over several tensors within
            one element of each other.
    """
    share, surplus = divmod(elements, pes)
    start %= pes
    end = start + surplus
    if surplus == 0:
        return ((pes, share),)
    if end <= pes:
        runs = ((start, share), (surplus, share + 1), (pes - end, share))
    else:
        runs = ((end - pes, share + 1), (pes - surplus, share), (pes - start, share + 1))
    return tuple(run for run in runs if run[0])


def next_start(elements: int, pes: int, start: int) -> int:
    """Where the surplus of the next tensor of the same PEs begins."""
    return (start + elements) % pes


def block_grid(
    matrix: tuple[int, int],
    rows: int,
    cols: int,
    start: tuple[int, int] = (0, 0),
    *,
    down: Sequence[int] = (),
    across: Sequence[int] = (),
) -> BlockGrid:
    """Balanced block heights and widths of a matrix over ``rows`` x ``cols`` PEs.

    Floor or ceil, never ceil for all, which would leave the last PEs empty.

    Args:
        matrix: (rows, cols) of it.
        rows, cols: of PEs.
        start: the row and the column of PEs where the surplus begins.
        down, across: further lengths, cut over the rows and over the columns of the PEs that hold
            an element of the matrix.
    """

    def cut(length: int, own: int, over: int, first: int) -> tuple[int, ...]:
        holding = min(own, over)
        if holding in (0, over):
            return tuple(expand(flat_runs(length, over, first)).tolist())
        share = (*expand(flat_runs(length, holding)).tolist(), *[0] * (over - holding))
        return tuple(share[(place - first) % over] for place in range(over))

    return BlockGrid(
        heights=cut(matrix[0], matrix[0], rows, start[0]),
        widths=cut(matrix[1], matrix[1], cols, start[1]),
        down=tuple(cut(length, matrix[0], rows, start[0]) for length in down),
        across=tuple(cut(length, matrix[1], cols, start[1]) for length in across),
    )


def block_runs(grid: BlockGrid) -> ShardRuns:
    """Elements in each PE of the region, row-major, of a tensor cut into blocks."""
    widths = [(len(list(group)), width) for width, group in groupby(grid.widths)]
    across, sides = np.array(widths, np.int64).T
    elements = np.multiply.outer(np.array(grid.heights, np.int64), sides).ravel()
    pes = np.tile(across, len(grid.heights))
    starts = np.flatnonzero(np.diff(elements, prepend=-1))
    return tuple(zip(np.add.reduceat(pes, starts).tolist(), elements[starts].tolist(), strict=True))


def expand(runs: ShardRuns) -> IntArray:
    """(pes,) elements in each PE, from the run-length code."""
    counts, values = zip(*runs, strict=True)
    return np.repeat(np.asarray(values, dtype=np.int64), counts)
