"""Bookings of all links in one pass of the array engine, and what the pass finds in their way.

A pass takes the waits on links as given (none at first). It keeps the end of the latest booking of
every link; a message that asks earlier *marks* the link, since then program order is not the order
of service. On links marked before the pass, all requests are collected, from which
:mod:`~wse_emulator.engines.fixed_point` finds the waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import Activity, Star, Work
from wse_emulator.engines.link_views import RAMP, LinkView
from wse_emulator.engines.occupancy import Changes, moments
from wse_emulator.engines.timing import PLANES, IntArray
from wse_emulator.wafer.spec import WaferSpec


class Flow(NamedTuple):
    """The messages of one booking: an activity, and which of a star's leaves (else 0)."""

    activity: int
    leaf: int
    channel: str


class Requests(NamedTuple):
    """Requests on marked links, as columns of equal length.

    Attributes:
        link: (plane * rows + row) * cols + col.
        asked, cycles: cycle of asking, and duration of the booking.
        activity, leaf: which message.
        source: row-major index of its source PE.
    """

    link: IntArray
    asked: IntArray
    cycles: IntArray
    activity: IntArray
    leaf: IntArray
    source: IntArray


class Waits(NamedTuple):
    """Cycles from asking to the grant of one flow: ``cycles[i]`` on link ``link[i]``."""

    link: IntArray
    cycles: IntArray


@dataclass(slots=True)
class Bookings:
    """State of all links.

    Attributes:
        marked: (5, rows, cols) links whose requests are collected; None if there are none.
        waits: flow -> waits on marked links.
        busy: (5, rows, cols) cycles booked.
        booked: changes of the number of booked E, W, S and N links.
        newly_marked: links on which this pass found a request before the latest booking's end.
        requests: collected on marked links.
    """

    spec: WaferSpec
    channels: Counter[str]
    marked: NDArray[np.bool_] | None
    waits: dict[tuple[int, int], Waits]
    busy: IntArray = field(init=False)
    booked: Changes = field(default_factory=Changes)
    newly_marked: NDArray[np.bool_] | None = None
    requests: list[Requests] = field(default_factory=list)
    _last: dict[int, IntArray] = field(default_factory=dict)
    _free: dict[tuple[str, int], IntArray] = field(default_factory=dict)
    _scratch: IntArray | None = None
    _index: IntArray | None = None

    def __post_init__(self) -> None:
        self.busy = np.zeros((len(PLANES), self.spec.rows, self.spec.cols), np.int64)

    def free(self, flow: Flow, view: LinkView) -> IntArray | None:
        """Cycles in which the links fall free of the channel's earlier messages; None if the
        channel has no earlier message anywhere."""
        known = self._free.get((flow.channel, view.plane))
        return None if known is None else view.of(known)

    def waits_of(self, flow: Flow, view: LinkView) -> IntArray | None:
        """Waits of a flow on the links of a view; None if it waits on none of this plane."""
        waits = self.waits.get((flow.activity, flow.leaf))
        if waits is None:
            return None
        pes = self.spec.pes
        here = waits.link // pes == view.plane
        if not here.any():
            return None
        if self._scratch is None:
            self._scratch = np.zeros((self.spec.rows, self.spec.cols), np.int64)
        flat = self._scratch.reshape(-1)
        at = waits.link[here] % pes
        flat[at] = waits.cycles[here]
        found = view.of(self._scratch).copy()
        flat[at] = 0
        return found

    def book(
        self,
        flow: Flow,
        view: LinkView,
        asked: IntArray,
        waits: IntArray | None,
        cycles: int | IntArray,
        source: int | IntArray,
    ) -> IntArray:
        """Book the links of a view and return the cycles of the grants.

        Args:
            asked: cycles of asking, of the view's shape.
            waits: as :meth:`waits_of` gives them.
            cycles: duration of the bookings, broadcast against ``asked``.
            source: row-major index of the source PEs, broadcast against ``asked``.
        """
        granted = asked if waits is None else asked + waits
        end = granted + cycles
        if len(self.channels) > 1:
            self._mark(view, asked, end)
        if self.channels[flow.channel] > 1:
            key = (flow.channel, view.plane)
            if key not in self._free:
                self._free[key] = self._zeros()
            view.of(self._free[key])[...] = end
        view.of(self.busy[view.plane])[...] += cycles
        if view.plane != RAMP:
            start = moments(granted)
            self.booked.add(start)
            if isinstance(cycles, int):
                self.booked.add(start, cycles, -1)
            else:
                self.booked.add(moments(end), 0, -1)
        if self.marked is not None:
            self._collect(flow, view, asked, cycles, source)
        return granted

    def _mark(self, view: LinkView, asked: IntArray, end: IntArray) -> None:
        """Mark links that are asked for before their latest booking ends."""
        last = self._last.get(view.plane)
        if last is None:
            last = self._last[view.plane] = self._zeros()
        latest = view.of(last)
        early = asked < latest
        if self.marked is not None:
            early &= ~view.of(self.marked[view.plane])
        if early.any():
            if self.newly_marked is None:
                self.newly_marked = np.zeros(self.busy.shape, np.bool_)
            view.of(self.newly_marked[view.plane])[early] = True
        np.maximum(latest, end, out=latest)

    def _collect(
        self,
        flow: Flow,
        view: LinkView,
        asked: IntArray,
        cycles: int | IntArray,
        source: int | IntArray,
    ) -> None:
        """Record the requests on marked links."""
        assert self.marked is not None
        here = view.of(self.marked[view.plane])
        if not here.any():
            return
        if self._index is None:
            self._index = np.arange(self.spec.pes, dtype=np.int64).reshape(self.busy.shape[1:])
        count = int(np.count_nonzero(here))
        self.requests.append(
            Requests(
                link=view.of(self._index)[here] + view.plane * self.spec.pes,
                asked=asked[here],
                cycles=np.broadcast_to(np.asarray(cycles, np.int64), asked.shape)[here],
                activity=np.full(count, flow.activity, np.int64),
                leaf=np.full(count, flow.leaf, np.int64),
                source=np.broadcast_to(np.asarray(source, np.int64), asked.shape)[here],
            )
        )

    def _zeros(self) -> IntArray:
        return np.zeros((self.spec.rows, self.spec.cols), np.int64)


def channel_uses(activities: Sequence[Activity]) -> Counter[str]:
    """Messages a channel may bring to one link; a star counts as many."""
    uses: Counter[str] = Counter()
    for activity in activities:
        if not isinstance(activity, Work):
            uses[activity.channel] += 2 if isinstance(activity, Star) else 1
    return uses
