"""The sum that a collective computes, bit for bit, by its own order of additions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import Activity, Chain, Star, ring_order
from wse_emulator.collectives.algorithms import LineAlgorithm, LineSet, reduce_lines
from wse_emulator.collectives.compose import ring_chunks
from wse_emulator.errors import CollectiveError
from wse_emulator.wafer.region import Region

Array = NDArray[np.floating]


def reduce_values(shards: Array, algorithm: LineAlgorithm, *, root: int = 0) -> Array:
    """The sum of the shards of a line as the PE at ``root`` computes it.

    Args:
        shards: (PEs, ...) array; shard i lies on the PE at position i.
        algorithm: how the line is reduced.
        root: position of the root; PEs below it are added first.

    Returns:
        An array of one shard's shape and dtype; each addition rounds in that dtype.

    Raises:
        CollectiveError: no shards, or a root that is none of them.
    """
    if len(shards) == 0:
        raise CollectiveError("no shards to reduce; give at least one")
    lines = LineSet(
        name="values",
        region=Region(0, 0, 1, len(shards)),
        axis="row",
        root=root,
        wavelets=1,
        channel="values",
    )
    held: Array = reduce_on_fabric(shards[np.newaxis], reduce_lines(lines, algorithm))[0, root]
    return held


def reduce_on_fabric(values: Array, activities: Sequence[Activity]) -> Array:
    """Carry out the additions of chains and stars on values that lie on a grid of PEs.

    Args:
        values: (rows, cols, ...) array; entry (r, c) is what PE (r, c) holds, (0, 0) the
            wafer's first PE.
        activities: reductions in program order; multicasts and work are passed over.

    Returns:
        A new array: what each PE holds afterwards.
    """
    held = values.copy()
    for activity in activities:
        if isinstance(activity, Star):
            _star(held, activity)
        elif isinstance(activity, Chain):
            _chain(held, activity)
    return held


def _star(held: Array, star: Star) -> None:
    along = _lines(held, star)
    for distance in range(1, star.positions):
        along[:, star.root] += along[:, star.root + distance * star.direction]


def _chain(held: Array, chain: Chain) -> None:
    along = _lines(held, chain)
    size = chain.group_positions
    for start in range(0, chain.positions, size):
        last = min(start + size, chain.positions) - 1
        for position in range(last - 1, start - 1, -1):
            here = chain.root + position * chain.spacing
            along[:, here] += along[:, here + chain.spacing]


def _lines(held: Array, activity: Chain | Star) -> Array:
    """A view (lines, positions, ...) with absolute positions along the lines."""
    rows, cols = activity.region.slices
    if activity.axis == "row":
        return held[rows]
    return held[:, cols].swapaxes(0, 1)


def ring_values(shards: Array) -> Array:
    """The sum that every PE of a line holds after a ring all-reduce.

    Args:
        shards: (PEs, n) array; row i lies on the PE at position i.

    Returns:
        (n,) array; piece k is summed along the ring, beginning with its k-th member.
    """
    positions, length = shards.shape
    ordered = shards[list(ring_order(positions))]
    result: Array = np.empty_like(shards[0])
    start = 0
    for piece, size in enumerate(ring_chunks(length, positions)):
        span = slice(start, start + size)
        total: Array = ordered[piece, span].copy()
        for step in range(1, positions):
            total += ordered[(piece + step) % positions, span]
        result[span] = total
        start += size
    return result
