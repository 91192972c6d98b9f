"""The bookings of all links in one pass of the array engine.

A pass starts from known waits on links (none at first). It keeps the end of the latest booking of
each link. When a message of another channel asks for the link before that end, the pass *marks* the
link: the order of the program is then not the order of service. In later passes all requests on
marked links are collected, and :mod:`~wse_emulator.engines.array.fixed_point` finds the waits from
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wse_emulator.engines.array.channel_slots import Channels
from wse_emulator.engines.array.link_views import RAMP, LinkView
from wse_emulator.engines.array.occupancy import Changes
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import PLANES, Region
from wse_emulator.wafer.spec import WaferSpec


class Flow(NamedTuple):
    """The messages of one booking.

    Attributes:
        activity: number of the activity among the leaves of the program.
        leaf: number of the leaf in a star; 0 in other activities.
        channel: the activity's channel.
        first: the earliest cycle in which one of its PEs is ready.
    """

    activity: int
    leaf: int
    channel: str
    first: int


class Requests(NamedTuple):
    """Requests on marked links, one array for each of their properties, all equally long.

    Attributes:
        link: (plane * rows + row) * cols + col.
        asked, cycles: cycle of asking, and duration of the booking.
        activity, leaf: the message that asks; activities are numbered as they run.
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


@dataclass(slots=True, eq=False)
class Track:
    """The links of a view together with what one channel knows of them.

    Attributes:
        view: the links.
        slot: the channel's slot; None if its bookings need no record.
        busy: cycles booked, a view of the wafer's array.
        known_free: cycle in which each falls free of the channel's earlier messages, a view of
            the channel's array; None before the channel's first message on this plane.
    """

    view: LinkView
    plane: int
    slot: int | None
    busy: IntArray
    known_free: IntArray | None = None


class Progress(NamedTuple):
    """How far a pass has come with its links, the cycles in which they fall free left out."""

    run: int
    latest: dict[int, int]
    newly_marked: NDArray[np.bool_] | None
    requests: int


@dataclass(slots=True)
class Bookings:
    """The state of all links during a pass.

    Attributes:
        marked: (5, rows, cols) links whose requests are collected; None if there are none.
        waits: (activity, leaf) -> waits on marked links, the activity numbered as it runs.
        run: that number for the activity at hand: how many have run before it.
        busy: (5, rows, cols) cycles booked.
        booked: changes of the number of booked E, W, S and N links.
        newly_marked: links on which this pass found a request before the latest booking's end.
        requests: collected on marked links.
    """

    spec: WaferSpec
    channels: Channels
    marked: NDArray[np.bool_] | None
    waits: dict[tuple[int, int], Waits]
    booked: Changes = field(default_factory=Changes)
    run: int = -1
    busy: IntArray = field(init=False)
    newly_marked: NDArray[np.bool_] | None = None
    requests: list[Requests] = field(default_factory=list)
    _free: dict[tuple[int, int], IntArray] = field(default_factory=dict)  # by slot and plane
    _latest: dict[int, int] = field(default_factory=dict)  # by slot: none of _free is larger
    _scratch: IntArray | None = None
    _index: IntArray | None = None

    def __post_init__(self) -> None:
        self.busy = np.zeros((len(PLANES), self.spec.rows, self.spec.cols), np.int64)

    @property
    def collects(self) -> bool:
        """Whether requests on marked links are collected in this pass."""
        return self.marked is not None

    def track(self, channel: str, view: LinkView) -> Track:
        """The links of a view for the messages of a channel."""
        plane = view.plane
        return Track(view, plane, self.channels.slots.get(channel), view.of(self.busy[plane]))

    def free(self, track: Track) -> IntArray | None:
        """The cycle in which each link is free of the channel's earlier messages.

        None if the channel has had no message here.
        """
        if track.known_free is None and track.slot is not None:
            known = self._free.get((track.slot, track.plane))
            if known is not None:
                track.known_free = track.view.of(known)
        return track.known_free

    def waits_of(self, flow: Flow, track: Track) -> IntArray | None:
        """The waits of a flow on the links of a track; None if it waits on no link of this
        plane."""
        waits = self.waits.get((self.run, flow.leaf))
        if waits is None:
            return None
        pes = self.spec.pes
        here = waits.link // pes == track.plane
        if not here.any():
            return None
        if self._scratch is None:
            self._scratch = np.zeros((self.spec.rows, self.spec.cols), np.int64)
        flat = self._scratch.reshape(-1)
        at = waits.link[here] % pes
        flat[at] = waits.cycles[here]
        found = track.view.of(self._scratch).copy()
        flat[at] = 0
        return found

    def grant(
        self,
        flow: Flow,
        track: Track,
        asked: IntArray,
        waits: IntArray | None,
        cycles: int | IntArray,
        source: int | IntArray,
    ) -> IntArray:
        """Grant the links of a track; the caller counts how long they are busy.

        Args:
            asked: cycles of asking, of the view's shape; kept, so it must not change any more.
            waits: as :meth:`waits_of` gives them.
            cycles: duration of the bookings, broadcast against ``asked``.
            source: row-major index of the source PEs, broadcast against ``asked``.
        """
        granted = asked if waits is None else asked + waits
        if track.slot is not None:
            self._mark(track.slot, flow.first, track, asked)
            self._set_free(track.slot, track, granted, cycles)
        if track.plane != RAMP:
            self.booked.span(granted, cycles)
        if self.marked is not None:
            self._collect(flow, track.view, asked, cycles, source)
        return granted

    def passed(self, channel: str, last: int) -> None:
        """Note that all bookings of the channel so far end in cycle ``last`` or before."""
        slot = self.channels.slots.get(channel)
        if slot is not None:
            self._latest[slot] = max(self._latest.get(slot, 0), last)

    def free_times(self, slots: frozenset[int], region: Region) -> tuple[IntArray, ...]:
        """Views of all that is kept of when the links of a region fall free of the channels of
        some slots."""
        return tuple(free[region.slices] for (slot, _), free in self._free.items() if slot in slots)

    def skip(self, runs: int, slots: frozenset[int]) -> None:
        """Note that activities are skipped, after which :meth:`free_times` of their slots have been
        moved on."""
        self.run += runs
        for (slot, _), free in self._free.items():
            if slot in slots:
                self._latest[slot] = max(self._latest.get(slot, 0), int(free.max()))

    def progress(self) -> Progress:
        """How far the pass has come, for :meth:`is_undisturbed` and :meth:`go_back`."""
        marked = None if self.newly_marked is None else self.newly_marked.copy()
        return Progress(self.run, dict(self._latest), marked, len(self.requests))

    def is_undisturbed(self, since: Progress) -> bool:
        """Whether no message since then asked for a link that another channel has, or may have."""
        now, then = self.newly_marked, since.newly_marked
        same = now is then if now is None or then is None else np.array_equal(now, then)
        return same and len(self.requests) == since.requests

    def go_back(self, to: Progress) -> None:
        """Forget what has happened since, but for the cycles in which links fall free."""
        self.run, self._latest = to.run, dict(to.latest)
        self.newly_marked = to.newly_marked
        del self.requests[to.requests :]

    def _mark(self, slot: int, first: int, track: Track, asked: IntArray) -> None:
        """Mark links that are asked for before another channel's latest booking ends.

        No request is earlier than cycle ``first``.
        """
        plane, view = track.plane, track.view
        for other, latest in self._latest.items():
            if other == slot or latest <= first or (other, plane) not in self._free:
                continue
            early = asked < view.of(self._free[other, plane])
            if self.marked is not None:
                early &= ~view.of(self.marked[plane])
            if early.any():
                if self.newly_marked is None:
                    self.newly_marked = np.zeros(self.busy.shape, np.bool_)
                view.of(self.newly_marked[plane])[early] = True

    def _set_free(self, slot: int, track: Track, granted: IntArray, cycles: int | IntArray) -> None:
        """Note that the links of a track are free of the channel's messages ``cycles`` after the
        grants."""
        free = self.free(track)
        if free is None:
            whole = np.zeros((self.spec.rows, self.spec.cols), np.int64)
            self._free[slot, track.plane] = whole
            free = track.known_free = track.view.of(whole)
        np.add(granted, cycles, out=free)

    def _collect(
        self,
        flow: Flow,
        view: LinkView,
        asked: IntArray,
        cycles: int | IntArray,
        source: int | IntArray,
    ) -> None:
        """Record the requests on those links of the track that are marked."""
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
                activity=np.full(count, self.run, np.int64),
                leaf=np.full(count, flow.leaf, np.int64),
                source=np.broadcast_to(np.asarray(source, np.int64), asked.shape)[here],
            )
        )
