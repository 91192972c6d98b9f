"""When each op of a chain starts and ends, counted from the cycle in which its PE is ready.

These offsets depend on the chain, its strips and its tail alone. One table therefore serves all PEs
with equal shards, and all tensors whose chains cost the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wse_emulator.activities import OpChain, VectorOp
from wse_emulator.wafer.arrays import IntArray


@dataclass(frozen=True, slots=True)
class ChainTable:
    """Offsets in cycles from the ready time, ops in the order of the chain.

    Attributes:
        cycles: what the whole chain takes.
        first: (ops,) start of each op on its first strip.
        last: (ops,) end of each op on its last strip.
        byte_changes: (offset, bytes) by which temporaries change, in the order of time.
        peak_bytes: largest sum of temporaries the chain adds to what is held before it.
        net_bytes: bytes that the chain leaves allocated.
    """

    cycles: int
    first: IntArray
    last: IntArray
    byte_changes: tuple[tuple[int, int], ...]
    peak_bytes: int
    net_bytes: int


class ChainTables:
    """The tables of the chains seen so far in a run, so that each is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], ChainTable] = {}

    def __getitem__(self, chain: OpChain) -> ChainTable:
        key = (
            chain.strips,
            chain.tail,
            *[
                (op.strip_cycles, op.tail_cycles, op.allocates_bytes, op.releases_bytes, op.once)
                for op in chain.ops
            ],
        )
        table = self._known.get(key)
        if table is None:
            table = self._known[key] = chain_table(chain)
        return table


def chain_table(chain: OpChain) -> ChainTable:
    """Make the table of one chain."""
    strips = chain.strips + chain.tail
    durations = [_durations(chain, strip) for strip in _kinds(chain)]
    lengths = [int(d.sum()) for d in durations]
    # strips are of at most three kinds: the first (with scalar ops), full ones, and the tail
    kind_of = np.ones(strips, np.int64)
    kind_of[:1] = 0
    if chain.tail and strips:
        kind_of[-1:] = 2 if strips > 1 else 0
    begin = np.concatenate(([0], np.cumsum(np.array(lengths, np.int64)[kind_of])))
    if begin[-1] == 0:  # its PEs take no part
        nothing = np.zeros(len(chain.ops), np.int64)
        return ChainTable(0, nothing, nothing, (), 0, 0)
    once = np.array([op.once for op in chain.ops], bool)
    before = [np.concatenate(([0], np.cumsum(d)[:-1])).astype(np.int64) for d in durations]
    first = before[0]
    final = int(kind_of[-1])
    last = begin[strips - 1] + before[final] + durations[final]
    last = np.where(once, before[0] + durations[0], last)
    changes, peak, net = _bytes(chain, kind_of, begin, before, durations)
    return ChainTable(int(begin[-1]), first, last, changes, peak, net)


def _kinds(chain: OpChain) -> tuple[tuple[bool, bool], ...]:
    """Which kinds of strips there are, each as (is it the first, is it the tail)."""
    return ((True, chain.strips == 0), (False, False), (False, True))


def _durations(chain: OpChain, kind: tuple[bool, bool]) -> IntArray:
    """(ops,) cycles of each op on a strip; 0 for an op that does not run on it."""
    is_first, is_tail = kind
    return np.array([_duration(op, is_first, is_tail) for op in chain.ops], np.int64)


def _duration(op: VectorOp, is_first: bool, is_tail: bool) -> int:
    if op.once:
        return op.strip_cycles if is_first else 0
    return op.tail_cycles if is_tail else op.strip_cycles


def _bytes(
    chain: OpChain,
    kind_of: IntArray,
    begin: IntArray,
    before: list[IntArray],
    durations: list[IntArray],
) -> tuple[tuple[tuple[int, int], ...], int, int]:
    """Changes of the temporaries in the order of execution, merged by cycle; peak; net."""
    takes = [op.allocates_bytes for op in chain.ops]
    gives = [op.releases_bytes for op in chain.ops]
    if not any(takes) and not any(gives):
        return (), 0, 0
    when: list[IntArray] = []
    change: list[IntArray] = []
    for strip, kind in enumerate(kind_of.tolist()):
        runs = np.array([strip == 0 or not op.once for op in chain.ops], bool)
        start = begin[strip] + before[kind]
        when.append(np.stack((start, start + durations[kind]), axis=1)[runs].ravel())
        change.append(np.array([takes, np.negative(gives)], np.int64).T[runs].ravel())
    times, changes = np.concatenate(when), np.concatenate(change)
    held = np.cumsum(changes)
    offsets, index = np.unique(times, return_inverse=True)
    sums = np.zeros(offsets.size, np.int64)
    np.add.at(sums, index, changes)
    merged = tuple(
        (offset, by) for offset, by in zip(offsets.tolist(), sums.tolist(), strict=True) if by
    )
    return merged, max(int(held.max()), 0), int(held[-1])
