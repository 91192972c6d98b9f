"""Waits between channels, as a fixed point of whole passes [8.2].

Only one schedule satisfies all rules, since each time depends on strictly earlier ones. A pass is
that schedule if it marks no link and its requests give the very waits that it started from. The
passes reach it: if all requests before a cycle are right in one pass, their waits are right too,
and the next pass is right for at least one cycle more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wse_emulator.engines.array.bookings import Requests, Waits
from wse_emulator.engines.array.scans import first_come_first_served
from wse_emulator.wafer.arrays import IntArray

WaitsByFlow = dict[tuple[int, int], Waits]
"""(activity, leaf) -> waits on marked links, links without a wait left out."""


def waits_from(collected: Sequence[Requests]) -> WaitsByFlow:
    """The waits that follow when all requests on marked links are served by [3.4]."""
    if not collected:
        return {}
    requests, granted = serve(collected)
    return _by_flow(requests, granted - requests.asked)


def serve(collected: Sequence[Requests]) -> tuple[Requests, IntArray]:
    """All requests by link and order of service, and the cycle in which each is granted."""
    requests = Requests(*(np.concatenate(column) for column in zip(*collected, strict=True)))
    order = np.lexsort((requests.source, requests.activity, requests.asked, requests.link))
    requests = Requests(*(column[order] for column in requests))
    return requests, _serve(requests)


def _serve(requests: Requests) -> IntArray:
    """Grants of requests sorted by link and order of service, all links in one scan.

    Links are set apart by an offset larger than any time, so that no running maximum crosses
    from one into the next.
    """
    first = np.flatnonzero(np.diff(requests.link, prepend=-1))
    segment = np.repeat(np.arange(first.size), np.diff(first, append=requests.link.size))
    horizon = int(requests.asked.max() + requests.cycles.sum()) + 1
    # within a segment requests come after all bookings of the segments before it
    offset = segment * horizon
    return first_come_first_served(requests.asked + offset, requests.cycles) - offset


def _by_flow(requests: Requests, waits: IntArray) -> WaitsByFlow:
    late = waits > 0
    if not late.any():
        return {}
    link, cycles = requests.link[late], waits[late]
    activity, leaf = requests.activity[late], requests.leaf[late]
    order = np.lexsort((link, leaf, activity))
    link, cycles, activity, leaf = (a[order] for a in (link, cycles, activity, leaf))
    changes = (np.diff(activity, prepend=-1) != 0) | (np.diff(leaf, prepend=-1) != 0)
    first = np.flatnonzero(changes)
    bounds = zip(first.tolist(), [*first[1:].tolist(), link.size], strict=True)
    return {(int(activity[a]), int(leaf[a])): Waits(link[a:b], cycles[a:b]) for a, b in bounds}


def same_waits(one: WaitsByFlow, other: WaitsByFlow) -> bool:
    """Whether two passes agree in every wait."""
    return one.keys() == other.keys() and all(
        np.array_equal(waits.link, other[flow].link)
        and np.array_equal(waits.cycles, other[flow].cycles)
        for flow, waits in one.items()
    )
