"""What every PE does, as a list of steps: the activities of a program as one PE sees them.

Part of the PE engine. Numbers in brackets are the rules of docs/machine_rules.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wse_emulator.activities import (
    Activity,
    Axis,
    Chain,
    LineMulticast,
    Multicast,
    OpChain,
    Send,
    Shift,
    Star,
    Work,
    line_wavelets,
)
from wse_emulator.engines.pe.clock import Clock
from wse_emulator.engines.pe.messages import (
    ChainStarts,
    Hold,
    PathMessage,
    RectangleMessage,
    RoutedMessage,
    room_of,
)
from wse_emulator.wafer.messages import message_cycles, task_cycles, wavelets_on_the_way
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class WorkStep:
    """Work: the ops that a PE runs, strip after strip [2.3, 2.5].

    Each is (op, cycles, bytes taken at its start, bytes given back at its end).
    """

    activity: int
    ops: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class SourceStep:
    """Send a message [3.1]."""

    activity: int
    message: RoutedMessage


@dataclass(frozen=True, slots=True)
class SinkStep:
    """Take a message [3.5]."""

    activity: int
    message: RoutedMessage


@dataclass(frozen=True, slots=True)
class ChainStep:
    """Be a position of a chain: take the sum from behind, add, and pass it on at once [4.1].

    Attributes:
        position: 0 for the root of the chain.
        incoming: message from position + 1, None for the leaf.
        outgoing: message to position - 1, None for the root.
        starts: first touches along the chain; None if back-pressure cannot occur.
    """

    activity: int
    position: int
    incoming: RoutedMessage | None
    outgoing: RoutedMessage | None
    starts: ChainStarts | None
    room: int


@dataclass(frozen=True, slots=True)
class GatherStep:
    """Be the root of a star: take the messages of all leaves, the nearest first [4.2]."""

    activity: int
    messages: tuple[RoutedMessage, ...]


@dataclass(frozen=True, slots=True)
class ShiftStep:
    """Send a message and take another at the same time [4.5]."""

    activity: int
    outgoing: RoutedMessage
    incoming: RoutedMessage


ProgramStep = WorkStep | SourceStep | SinkStep | ChainStep | GatherStep | ShiftStep


@dataclass(slots=True)
class Programs:
    """The steps of every PE in row-major order, and all messages in the order of the program."""

    clock: Clock
    spec: WaferSpec
    steps: list[list[ProgramStep]] = field(init=False)
    messages: list[RoutedMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = [[] for _ in range(self.spec.pes)]

    def add(self, index: int, activity: Activity) -> None:
        """Append what the PEs do in activity number ``index`` of the unrolled program."""
        match activity:
            case Work():
                self._add_work(index, activity)
            case Multicast():
                self._add_multicast(
                    index, activity.region, activity.root, activity.wavelets, activity.channel
                )
            case LineMulticast():
                for line, wavelets in enumerate(line_wavelets(activity)):
                    region = _line(activity.region, activity.axis, line)
                    root = _at(region, activity.axis, activity.root)
                    self._add_multicast(index, region, root, wavelets, activity.channel)
            case Chain():
                self._add_chain(index, activity)
            case Star():
                self._add_star(index, activity)
            case Shift():
                self._add_shift(index, activity)
            case Send():
                if activity.source != activity.sink and activity.wavelets:
                    message = self._path(
                        index,
                        activity.source,
                        activity.sink,
                        activity.wavelets,
                        activity.channel,
                    )
                    self._hold_if_longer_than(message, [activity.sink])
                    self._step(activity.source, SourceStep(index, message))
                    self._step(activity.sink, SinkStep(index, message))

    def _add_work(self, index: int, work: Work) -> None:
        steps = [WorkStep(index, unrolled(chain)) for chain in work.chains]
        region = work.region
        pe = 0
        for pes, chain in work.runs:
            if chain >= 0 and any(cycles for _, cycles, _, _ in steps[chain].ops):
                for offset in range(pe, pe + pes):
                    row, col = divmod(offset, region.cols)
                    self._step((region.row + row, region.col + col), steps[chain])
            pe += pes

    def _add_multicast(
        self, index: int, region: Region, root: tuple[int, int], wavelets: int, channel: str
    ) -> None:
        if wavelets == 0 or region.pes == 1:
            return
        message = RectangleMessage(
            activity=index,
            source=root,
            source_index=self._index(root),
            cycles=message_cycles(wavelets, self.spec),
            channel=channel,
            sinks=region.pes - 1,
            region=region,
        )
        self.messages.append(message)
        self._step(root, SourceStep(index, message))
        sink = SinkStep(index, message)
        sinks = [pe for pe in message.routers() if pe != root]
        for pe in sinks:
            self._step(pe, sink)
        self._hold_if_longer_than(message, sinks)

    def _add_chain(self, index: int, chain: Chain) -> None:
        room = wavelets_on_the_way(abs(chain.spacing), self.spec)
        size = chain.group_positions
        for line, wavelets in enumerate(line_wavelets(chain)):
            region = _line(chain.region, chain.axis, line)
            places = [
                _at(region, chain.axis, chain.root + k * chain.spacing)
                for k in range(chain.positions)
            ]
            for first in range(0, chain.positions, size):
                group = places[first : first + size]
                if wavelets and len(group) > 1:
                    messages = [
                        self._path(index, group[k + 1], group[k], wavelets, chain.channel)
                        for k in range(len(group) - 1)
                    ]
                    if chain.software:
                        for message in messages:
                            message.task_cycles = task_cycles(self.spec)
                    self._add_group(index, group, messages, room)

    def _add_group(
        self,
        index: int,
        group: list[tuple[int, int]],
        messages: list[RoutedMessage],
        room: int,
    ) -> None:
        starts = None
        if messages[0].cycles > room:
            starts = ChainStarts([-1] * len(group), [self.clock.event() for _ in group])
        for k, pe in enumerate(group):
            incoming = messages[k] if k + 1 < len(group) else None
            outgoing = messages[k - 1] if k else None
            self._step(pe, ChainStep(index, k, incoming, outgoing, starts, room))

    def _add_star(self, index: int, star: Star) -> None:
        for line, wavelets in enumerate(line_wavelets(star)):
            if wavelets == 0 or star.positions == 1:
                continue
            region = _line(star.region, star.axis, line)
            root = _at(region, star.axis, star.root)
            messages = []
            for k in range(1, star.positions):
                leaf = _at(region, star.axis, star.root + k * star.direction)
                message = self._path(index, leaf, root, wavelets, star.channel)
                self._hold_if_longer_than(message, [root])
                self._step(leaf, SourceStep(index, message))
                messages.append(message)
            self._step(root, GatherStep(index, tuple(messages)))

    def _add_shift(self, index: int, shift: Shift) -> None:
        for line, wavelets in enumerate(line_wavelets(shift)):
            region = _line(shift.region, shift.axis, line)
            if wavelets == 0:
                continue
            ring = [
                (_at(region, shift.axis, source), _at(region, shift.axis, sink))
                for source, sink in shift.moves
            ]
            messages = [
                self._path(index, source, sink, wavelets, shift.channel) for source, sink in ring
            ]
            for message, (_, sink) in zip(messages, ring, strict=True):
                self._hold_if_longer_than(message, [sink])
            for k, (source, _) in enumerate(ring):  # its message comes from the member before
                self._step(source, ShiftStep(index, messages[k], messages[k - 1]))

    def _path(
        self,
        index: int,
        source: tuple[int, int],
        sink: tuple[int, int],
        wavelets: int,
        channel: str,
    ) -> RoutedMessage:
        message = PathMessage(
            activity=index,
            source=source,
            source_index=self._index(source),
            cycles=message_cycles(wavelets, self.spec),
            channel=channel,
            sink=sink,
        )
        self.messages.append(message)
        return message

    def _hold_if_longer_than(
        self, message: RoutedMessage, sinks: Sequence[tuple[int, int]]
    ) -> None:
        if message.cycles <= wavelets_on_the_way(1, self.spec):
            return  # shorter than what fits into the shortest path
        slow = sum(message.cycles > room_of(message, sink, self.spec) for sink in sinks)
        if slow:
            message.hold = Hold(slow, self.clock.event())

    def _index(self, pe: tuple[int, int]) -> int:
        return pe[0] * self.spec.cols + pe[1]

    def _step(self, pe: tuple[int, int], step: ProgramStep) -> None:
        self.steps[self._index(pe)].append(step)


def unrolled(chain: OpChain) -> tuple[tuple[int, int, int, int], ...]:
    """The ops of a chain, repeated for every strip [2.5]."""
    ops = []
    for strip in range(chain.strips + chain.tail):
        for op in chain.ops:
            if op.once:
                if strip == 0:
                    ops.append((op.op, op.strip_cycles, op.allocates_bytes, op.releases_bytes))
            else:
                cycles = op.strip_cycles if strip < chain.strips else op.tail_cycles
                ops.append((op.op, cycles, op.allocates_bytes, op.releases_bytes))
    return tuple(ops)


def _line(region: Region, axis: Axis, line: int) -> Region:
    """One row or column of a region."""
    if axis == "row":
        return Region(region.row + line, region.col, 1, region.cols)
    return Region(region.row, region.col + line, region.rows, 1)


def _at(line: Region, axis: Axis, position: int) -> tuple[int, int]:
    """The PE of a line at an absolute column (axis "row") or row (axis "column")."""
    return (line.row, position) if axis == "row" else (position, line.col)
