"""The times of a whole line of PEs or links at once, by running maxima.

All arrays are int64 cycles. A running maximum starts from the data and never from 0, since the
differences that it runs over can be negative.
"""

from __future__ import annotations

import numpy as np

from wse_emulator.wafer.arrays import IntArray

SHORT = 16
"""Last axes up to this length are gone through step by step, all lines at once in each: NumPy
goes along the last axis line by line, and pays for the start of each."""


def running_maximum(values: IntArray) -> None:
    """Replace each value by the largest up to it, along the last axis, in place."""
    length = values.shape[-1]
    if length > SHORT:
        np.maximum.accumulate(values, axis=-1, out=values)
        return
    for i in range(1, length):
        np.maximum(values[..., i], values[..., i - 1], out=values[..., i])


def largest(values: IntArray) -> IntArray:
    """The largest value along the last axis."""
    length = values.shape[-1]
    if length > SHORT:
        top: IntArray = values.max(axis=-1)
        return top
    best = values[..., 0].copy()
    for i in range(1, length):
        np.maximum(best, values[..., i], out=best)
    return best


def link_requests(
    heads: IntArray, links: int, hop: int, free: IntArray | None, waits: IntArray | None
) -> IntArray:
    """Cycles in which heads ask for the successive links of their paths.

    ``ask_0 = max(head, free_0)``, ``ask_q = max(ask_(q-1) + wait_(q-1) + hop, free_q)``.

    Args:
        heads: (...,) cycle of each head at its first router.
        links: links of each path.
        hop: cycles from router to router.
        free: (..., links) cycle in which the channel's preceding message has left; None if none.
        waits: (..., links) cycles from asking to the grant; None if all are 0.

    Returns:
        (..., links) cycles.
    """
    if links == 1:
        return heads[..., None].copy() if free is None else np.maximum(heads[..., None], free)
    reach: IntArray = np.arange(links, dtype=np.int64) * hop
    if waits is not None:
        reach = reach + (np.cumsum(waits, axis=-1) - waits)
    unhindered: IntArray = heads[..., None] + reach
    if free is None or (free <= unhindered).all():
        return unhindered
    slack = free - reach
    np.maximum(slack[..., 0], heads, out=slack[..., 0])
    running_maximum(slack)
    slack += reach
    return slack


def relay_starts(ready: IntArray, latency: int | IntArray) -> IntArray:
    """First touches along a chain, leaf first: ``s_0 = r_0``, ``s_i = max(r_i, s_(i-1) + l_i)``.

    Args:
        ready: (..., positions) cycle in which each position may start by itself, leaf first.
        latency: cycles from position i - 1 to i; one number, or (..., positions - 1).
    """
    positions = ready.shape[-1]
    if isinstance(latency, int):
        reach: IntArray = np.arange(positions, dtype=np.int64) * latency
    else:
        reach = np.zeros(ready.shape, np.int64)
        np.cumsum(latency, axis=-1, out=reach[..., 1:])
    starts = ready - reach
    running_maximum(starts)
    starts += reach
    return starts


def windowed_maximum(values: IntArray, window: int) -> IntArray:
    """The maximum of each value and the ``window`` - 1 values before it, along the last axis."""
    window = min(window, values.shape[-1])
    best = values.copy()
    width = 1  # best[i] covers [i - width + 1, i]
    while width < window:
        shift = min(width, window - width)
        wider = best.copy()
        np.maximum(best[..., shift:], best[..., :-shift], out=wider[..., shift:])
        best = wider
        width += shift
    return best


def first_come_first_served(asked: IntArray, cycles: IntArray) -> IntArray:
    """Grants on one link for requests in the order of service: ``g_0 = asked_0``,
    ``g_i = max(asked_i, g_(i-1) + cycles_(i-1))``."""
    booked = np.cumsum(cycles) - cycles
    return booked + np.maximum.accumulate(asked - booked)
