"""Bookings of all links in one pass of the array engine, and what the pass finds in their way.

A pass takes the waits on links as given (none at first). It keeps the end of every channel's latest
booking of a link; a message of another channel that asks earlier *marks* the link, since then
program order is not the order of service. On links marked before the pass, all requests are
collected, from which :mod:`~wse_emulator.engines.fixed_point` finds the waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wse_emulator.engines.channel_slots import Channels
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
    channels: Channels
    marked: NDArray[np.bool_] | None
    waits: dict[tuple[int, int], Waits]
    busy: IntArray = field(init=False)
    booked: Changes = field(default_factory=Changes)
    newly_marked: NDArray[np.bool_] | None = None
    requests: list[Requests] = field(default_factory=list)
    _free: dict[tuple[int, int], IntArray] = field(default_factory=dict)  # by slot and plane
    _latest: tuple[dict[int, int], ...] = field(
        default_factory=lambda: tuple({} for _ in PLANES)
    )  # by plane: slot -> largest of _free
    _scratch: IntArray | None = None
    _index: IntArray | None = None

    def __post_init__(self) -> None:
        self.busy = np.zeros((len(PLANES), self.spec.rows, self.spec.cols), np.int64)

    @property
    def collects(self) -> bool:
        """Whether requests on marked links are collected in this pass."""
        return self.marked is not None

    def free(self, flow: Flow, view: LinkView) -> IntArray | None:
        """Cycles in which the links fall free of the channel's earlier messages; None if there
        are none."""
        slot = self.channels.slots.get(flow.channel)
        known = None if slot is None else self._free.get((slot, view.plane))
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
        slot = self.channels.slots.get(flow.channel)
        if slot is not None:
            self._mark(slot, view, asked)
            self._set_free(slot, view, end)
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

    def _mark(self, slot: int, view: LinkView, asked: IntArray) -> None:
        """Mark links that are asked for before another channel's latest booking ends."""
        others = self._latest[view.plane]
        if len(others) - (slot in others) == 0:
            return
        earliest = int(asked.min())
        for other, latest in others.items():
            if other == slot or latest <= earliest:
                continue
            early = asked < view.of(self._free[other, view.plane])
            if self.marked is not None:
                early &= ~view.of(self.marked[view.plane])
            if early.any():
                if self.newly_marked is None:
                    self.newly_marked = np.zeros(self.busy.shape, np.bool_)
                view.of(self.newly_marked[view.plane])[early] = True

    def _set_free(self, slot: int, view: LinkView, end: IntArray) -> None:
        """The links of a view fall free of the channel's messages so far in ``end``."""
        free = self._free.get((slot, view.plane))
        if free is None:
            free = np.zeros((self.spec.rows, self.spec.cols), np.int64)
            self._free[slot, view.plane] = free
        view.of(free)[...] = end
        latest = self._latest[view.plane]
        latest[slot] = max(latest.get(slot, 0), int(end.max()))

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
