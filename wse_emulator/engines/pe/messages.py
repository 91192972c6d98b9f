"""Messages as the PE engine sees them: who sends, which links a head takes, how far sinks are.

Numbers in brackets are the rules of docs/machine_rules.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from simpy.events import Event

from wse_emulator.wafer.messages import free_latency, wavelets_on_the_way
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

EAST: Final = 0
WEST: Final = 1
SOUTH: Final = 2
NORTH: Final = 3
DOWN: Final = 4
"""Planes of links, numbered as in ``timing.PLANES``."""

STEP: Final = {EAST: (0, 1), WEST: (0, -1), SOUTH: (1, 0), NORTH: (-1, 0)}
"""Where a link of each plane leads, as (rows, columns)."""


@dataclass(slots=True, eq=False)
class RoutedMessage(ABC):
    """A message: one source, a fixed tree of links, and ``cycles`` of at least 1 on each link.

    Attributes:
        activity: index of the activity, the first key of ties [3.4].
        source: (row, col).
        source_index: row-major index of the source, the second key of ties [3.4].
        cycles: how long it occupies a link, the B of [1.1].
        channel: its route set; messages of one channel keep the order of the program on a link.
        started: cycle of the source's touch, -1 before.
        delivered: sinks reached so far.
        sinks: sinks of the tree.
        task_cycles: from the head's arrival at the sink to the start of the task that takes it; 0
            where the sink needs no task [4.1].
        at_ramp: cycle in which the head was at the router of the last sink it has reached.
        hold: what holds the source back; None if nothing can [3.6].
    """

    activity: int
    source: tuple[int, int]
    source_index: int
    cycles: int
    channel: str
    started: int = -1
    delivered: int = 0
    sinks: int = 1
    task_cycles: int = 0
    at_ramp: int = -1
    hold: Hold | None = None

    @abstractmethod
    def forward(self, row: int, col: int) -> tuple[int, ...]:
        """Planes on which the router of PE (row, col) passes the message on."""

    @abstractmethod
    def turns(self, row: int, col: int, plane: int) -> bool:
        """Whether the message turns a corner from the router's input into ``plane``."""

    @abstractmethod
    def path(self, row: int, col: int) -> tuple[int, int]:
        """(links, corners) between the source and the sink (row, col)."""

    @abstractmethod
    def routers(self) -> Iterator[tuple[int, int]]:
        """(row, col) of every router of the tree."""


@dataclass(slots=True, eq=False)
class RectangleMessage(RoutedMessage):
    """A message from the source to every other PE of a rectangle: its column, then the rows
    [4.3]."""

    region: Region = field(kw_only=True)

    def forward(self, row: int, col: int) -> tuple[int, ...]:
        root_row, root_col = self.source
        region = self.region
        planes = []
        if col >= root_col and col + 1 < region.col_stop:
            planes.append(EAST)
        if col <= root_col and col > region.col:
            planes.append(WEST)
        if col == root_col:
            if row >= root_row and row + 1 < region.row_stop:
                planes.append(SOUTH)
            if row <= root_row and row > region.row:
                planes.append(NORTH)
        if row != root_row or col != root_col:
            planes.append(DOWN)
        return tuple(planes)

    def turns(self, row: int, col: int, plane: int) -> bool:
        root_row, root_col = self.source
        return plane in (EAST, WEST) and col == root_col and row != root_row

    def path(self, row: int, col: int) -> tuple[int, int]:
        rows, cols = abs(row - self.source[0]), abs(col - self.source[1])
        return rows + cols, int(rows > 0 and cols > 0)

    def routers(self) -> Iterator[tuple[int, int]]:
        for row in range(self.region.row, self.region.row_stop):
            for col in range(self.region.col, self.region.col_stop):
                yield row, col


@dataclass(slots=True, eq=False)
class PathMessage(RoutedMessage):
    """A message from the source to one sink: along the row, then along the column [4.3]."""

    sink: tuple[int, int] = field(kw_only=True)

    def forward(self, row: int, col: int) -> tuple[int, ...]:
        sink_row, sink_col = self.sink
        if col != sink_col:
            return (EAST,) if col < sink_col else (WEST,)
        if row != sink_row:
            return (SOUTH,) if row < sink_row else (NORTH,)
        return (DOWN,)

    def turns(self, row: int, col: int, plane: int) -> bool:
        return plane in (SOUTH, NORTH) and row == self.source[0] and col != self.source[1]

    def path(self, row: int, col: int) -> tuple[int, int]:
        rows, cols = abs(row - self.source[0]), abs(col - self.source[1])
        return rows + cols, int(rows > 0 and cols > 0)

    def routers(self) -> Iterator[tuple[int, int]]:
        row, col = self.source
        yield row, col
        while (row, col) != self.sink:
            down, right = STEP[self.forward(row, col)[0]]
            row, col = row + down, col + right
            yield row, col


def room_of(message: RoutedMessage, sink: tuple[int, int], spec: WaferSpec) -> int:
    """Wavelets of the message that fit between its source and a sink (row, col): K(d) [1.3]."""
    links, corners = message.path(*sink)
    return wavelets_on_the_way(links, spec, corners)


def latency_of(message: RoutedMessage, sink: tuple[int, int], spec: WaferSpec) -> int:
    """Cycles of the head from the source to a sink (row, col) without waits: lambda(d) [1.2]."""
    links, corners = message.path(*sink)
    return free_latency(links, spec, corners)


@dataclass(slots=True, eq=False)
class Hold:
    """What holds a source back until its slow sinks have taken enough [3.6].

    Attributes:
        waits_for: how many sinks have yet to start whose queues are too short for the message.
        until: earliest cycle at which the source may go, so far.
        gone: fires once ``until`` is final.
    """

    waits_for: int
    gone: Event
    until: int = 0

    def sink_started(self, start: int, cycles: int, room: int) -> None:
        """Note that a sink took its first wavelet in cycle ``start``; ``room`` wavelets fit before
        it."""
        if cycles > room:
            self.until = max(self.until, start + cycles - room)
            self.waits_for -= 1
            if self.waits_for == 0:
                self.gone.succeed()


@dataclass(slots=True, eq=False)
class ChainStarts:
    """When the positions of a chain begin, for the positions behind that wait for them [4.1]."""

    starts: list[int]
    known: list[Event]

    def started(self, position: int, now: int) -> None:
        """Note that ``position`` touches its first wavelet in cycle ``now``."""
        self.starts[position] = now
        self.known[position].succeed()
