"""Cut a rectangle of PEs among layers so that every PE gets about the same load.

A guillotine cut goes straight through a rectangle. Each half takes a consecutive part of the
layers, so neighbours in the model stay neighbours on the wafer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from wse_emulator.wafer.region import Region

ASPECT_WEIGHT = 0.003
"""Price of long thin rectangles against load balance: long ones make broadcasts long."""

CANDIDATES = 5
"""Split points tried around the balanced one, in each direction."""


class Cut(NamedTuple):
    """One way to cut: the first half has ``size`` rows or columns and the first ``before``
    layers."""

    score: float
    before: int
    size: int
    by_rows: bool


def guillotine(region: Region, loads: Sequence[float]) -> list[Region]:
    """Cut ``region`` into one rectangle for each load; together they cover it.

    Args:
        region: what to cut; it has at least as many PEs as there are loads.
        loads: bytes of each layer, 0 or more, in model order.

    Returns:
        The rectangles in the order of ``loads``.
    """
    if not 1 <= len(loads) <= region.pes:
        raise ValueError(f"{len(loads)} loads need as many PEs, the region has {region.pes}")
    prefix = [0.0, *accumulate(loads)]
    regions: list[Region] = []
    pending = [(region, 0, len(loads))]
    while pending:
        part, first, stop = pending.pop()
        if stop - first == 1:
            regions.append(part)
            continue
        cut = min(_cuts(part, prefix, first, stop))
        one, other = _halves(part, cut)
        split = first + cut.before
        pending += [(other, split, stop), (one, first, split)]
    return regions


def _cuts(part: Region, prefix: Sequence[float], first: int, stop: int) -> Iterator[Cut]:
    middle = bisect_left(prefix, (prefix[first] + prefix[stop]) / 2, first + 1, stop - 1)
    near = range(max(first + 1, middle - CANDIDATES // 2), min(stop, middle + CANDIDATES // 2 + 1))
    found = False
    for split in near:
        for cut in _cuts_at(part, prefix, first, split, stop):
            found = True
            yield cut
    if not found:  # nearly as many layers as PEs: any split that leaves each a PE
        for split in range(first + 1, stop):
            yield from _cuts_at(part, prefix, first, split, stop)


def _cuts_at(
    part: Region, prefix: Sequence[float], first: int, split: int, stop: int
) -> Iterator[Cut]:
    total = prefix[stop] - prefix[first]
    load = prefix[split] - prefix[first]
    fraction = load / total if total > 0 else (split - first) / (stop - first)
    mean = total / part.pes
    for by_rows in (True, False):
        length, width = (part.rows, part.cols) if by_rows else (part.cols, part.rows)
        least = -(-(split - first) // width)
        most = length - -(-(stop - split) // width)
        if least > most:
            continue
        below = min(max(int(fraction * length), least), most)
        for size in {below, min(below + 1, most)}:
            worst = max(load / (size * width), (total - load) / ((length - size) * width))
            aspect = max(_aspect(size, width), _aspect(length - size, width))
            balance = worst / mean if mean > 0 else 1.0
            yield Cut(balance + ASPECT_WEIGHT * aspect, split - first, size, by_rows)


def _aspect(rows: int, cols: int) -> float:
    return max(rows, cols) / min(rows, cols)


def _halves(part: Region, cut: Cut) -> tuple[Region, Region]:
    if cut.by_rows:
        return (
            Region(part.row, part.col, cut.size, part.cols),
            Region(part.row + cut.size, part.col, part.rows - cut.size, part.cols),
        )
    return (
        Region(part.row, part.col, part.rows, cut.size),
        Region(part.row, part.col + cut.size, part.rows, part.cols - cut.size),
    )
