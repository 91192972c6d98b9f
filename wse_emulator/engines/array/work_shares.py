"""Which PEs of a region run which chain, found once for all activities that divide it in the same
way.

The rounds of a matrix product are the same work over the same rectangle, many times over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import Work
from wse_emulator.engines.array.op_tables import ChainTable, ChainTables
from wse_emulator.wafer.arrays import IntArray

Places = Sequence[tuple[int, slice | IntArray]]
"""(chain, its PEs of a region in row-major order)."""


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """The PEs that run one chain.

    Attributes:
        places: the numbers of these PEs in the region, in row-major order.
        ops: (ops,) indices in the step program.
        distinct: whether no op is in the chain twice.
    """

    table: ChainTable
    places: slice | IntArray
    ops: IntArray
    distinct: bool


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """All work of an activity, by chain.

    Attributes:
        parts: the PEs of each chain that takes time.
        busy: (rows, cols) cycles of each PE of the region.
    """

    parts: tuple[Share, ...]
    busy: IntArray


def shares_of(
    work: Work, tables: ChainTables, places_of: dict[tuple[tuple[int, int], ...], Places]
) -> Shares:
    """The PEs that run each chain of an activity.

    Args:
        places_of: runs -> places so far; a new one is added.
    """
    found = places_of.get(work.runs)
    if found is None:
        found = places_of[work.runs] = tuple(_places(work))
    busy = np.zeros(work.region.pes, np.int64)
    known = [tables[chain] for chain in work.chains]
    ops = [np.array([op.op for op in chain.ops], np.intp) for chain in work.chains]
    parts = []
    for number, places in found:
        table = known[number]
        if table.cycles:
            distinct = np.unique(ops[number]).size == ops[number].size
            parts.append(Share(table, places, ops[number], distinct))
            busy[places] = table.cycles
    return Shares(tuple(parts), busy.reshape(work.region.rows, work.region.cols))


def _places(work: Work) -> Iterator[tuple[int, slice | IntArray]]:
    """Find the PEs run by run, or chain by chain where runs are many."""
    if len(work.runs) <= 2 * len(work.chains):
        begin = 0
        for pes, number in work.runs:
            if number >= 0 and pes:
                yield number, slice(begin, begin + pes)
            begin += pes
        return
    counts, numbers = zip(*work.runs, strict=True)
    chain_of = np.repeat(numbers, counts)
    for number in range(max(numbers) + 1):
        places = np.flatnonzero(chain_of == number)
        if places.size:
            yield number, places
