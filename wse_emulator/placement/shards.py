"""Cut a tensor into one shard for each PE, as equal as whole elements allow."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from wse_emulator.placement.values import BlockGrid, ShardRuns
from wse_emulator.wafer.arrays import IntArray


def flat_runs(elements: int, pes: int, start: int = 0) -> ShardRuns:
    """Spread a tensor in row-major order over ``pes`` PEs, in equal numbers rounded down or up.

    Args:
        elements: number of elements, 0 or more.
        pes: number of PEs, 1 or more.
        start: the first PE (modulo ``pes``) whose number is rounded up. If it is where the
            tensor before stopped (:func:`next_start`), the totals of the PEs differ by one
            element at most.
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
    """The first PE whose number is rounded up in the next tensor of the same PEs."""
    return (start + elements) % pes


def block_grid(
    matrix: tuple[int, int],
    rows: int,
    cols: int,
    start: tuple[int, int] = (0, 0),
    *,
    gram: bool = False,
) -> BlockGrid:
    """Cut a matrix into blocks over ``rows`` x ``cols`` PEs.

    Heights and widths are equal numbers rounded down or up. (Rounding all of them up would leave
    the last PEs empty.) ``start`` is the row and the column of PEs from which they are rounded up.
    With ``gram`` the Gram matrix is cut in the same way, so that PEs without an element of the
    matrix have none of the Gram matrix.
    """
    order = min(matrix)

    def cut(lines: int, over: int, first: int) -> tuple[int, ...]:
        return tuple(expand(flat_runs(lines, over, first)).tolist())

    return BlockGrid(
        heights=cut(matrix[0], rows, start[0]),
        widths=cut(matrix[1], cols, start[1]),
        gram_heights=cut(order, rows, start[0]) if gram else (),
        gram_widths=cut(order, cols, start[1]) if gram else (),
    )


def block_runs(grid: BlockGrid) -> ShardRuns:
    """The elements of a tensor in blocks, for each PE of the region in row-major order."""
    widths = [(len(list(group)), width) for width, group in groupby(grid.widths)]
    across, sides = np.array(widths, np.int64).T
    elements = np.multiply.outer(np.array(grid.heights, np.int64), sides).ravel()
    pes = np.tile(across, len(grid.heights))
    starts = np.flatnonzero(np.diff(elements, prepend=-1))
    return tuple(zip(np.add.reduceat(pes, starts).tolist(), elements[starts].tolist(), strict=True))


def expand(runs: ShardRuns) -> IntArray:
    """The elements in each PE, written out from the run-length code."""
    counts, values = zip(*runs, strict=True)
    return np.repeat(np.asarray(values, dtype=np.int64), counts)
