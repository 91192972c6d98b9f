"""How many PEs, links or bytes are in use in each cycle of a run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from wse_emulator.wafer.arrays import IntArray

MOST_WAITING: Final = 1 << 18
"""Numbers that wait to be counted together: counting costs far less a number than a call."""


@dataclass(frozen=True, slots=True)
class Moments:
    """How often each cycle occurs in an array: ``counts[i]`` times cycle ``first + i``.

    Where the cycles lie far apart, ``counts[i]`` times cycle ``first + at[i]``.
    """

    first: int
    counts: IntArray
    at: IntArray | None = None

    @property
    def last(self) -> int:
        """The latest cycle that occurs."""
        return self.first + (self.counts.size - 1 if self.at is None else int(self.at[-1]))


def moments(cycles: IntArray) -> Moments:
    """Count equal cycles in an array of any shape with at least one element."""
    flat = cycles.ravel()
    first = int(flat.min())
    span = int(flat.max()) - first + 1
    if span == 1:
        return Moments(first, np.array([flat.size], np.int64))
    offsets = flat - first
    if span > 4 * flat.size + 4_096:
        at, counts = np.unique(offsets, return_counts=True)
        return Moments(first, counts.astype(np.int64, copy=False), at)
    return Moments(first, np.bincount(offsets, minlength=span))


class Changes:
    """A number that changes from cycle to cycle, kept as its changes.

    Args:
        most_waiting: starts of spans that are kept before they are counted; None counts nothing,
            for callers who do not ask what is in use cycle by cycle.
    """

    def __init__(self, most_waiting: int | None = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._change: IntArray = np.zeros(4_096, np.int64)
        self._spans: defaultdict[int, list[IntArray]] = defaultdict(list)  # cycles -> starts
        self._waiting = 0

    @property
    def counts(self) -> bool:
        """Whether anything is counted."""
        return self._most_waiting is not None

    def add(self, when: Moments, delay: int = 0, times: int = 1) -> None:
        """Change the number by ``times`` in each cycle of ``when``, ``delay`` cycles later."""
        if self._most_waiting is None:
            return
        first = when.first + delay
        offsets, counts = when.at, when.counts
        stop = when.last + delay + 1
        if stop > self._change.size:
            grown = np.zeros(max(stop, 2 * self._change.size), np.int64)
            grown[: self._change.size] = self._change
            self._change = grown
        where = slice(first, stop) if offsets is None else offsets + first
        self._change[where] += counts if times == 1 else counts * times

    def span(self, start: IntArray, cycles: int | IntArray) -> None:
        """Count one more in each ``[start, start + cycles)``.

        Args:
            start: any shape; kept until it is counted, so it must not change any more.
            cycles: durations; one number, or an array that broadcasts against ``start``.
        """
        if self._most_waiting is None:
            return
        if isinstance(cycles, int):
            self._spans[cycles].append(start)
            self._waiting += start.size
            if self._waiting > self._most_waiting:
                self._count()
        else:
            self.add(moments(start))
            self.add(moments(start + cycles), 0, -1)

    def by_cycle(self, cycles: int) -> IntArray:
        """The number in each cycle from 0 on."""
        self._count()
        change = self._change[:cycles]
        if change.size < cycles:
            change = np.concatenate((change, np.zeros(cycles - change.size, np.int64)))
        return np.cumsum(change)

    def _count(self) -> None:
        """Count the spans that were kept, those of equal length together."""
        for cycles, starts in self._spans.items():
            when = moments(np.concatenate([start.ravel() for start in starts]))
            self.add(when)
            self.add(when, cycles, -1)
        self._spans.clear()
        self._waiting = 0
