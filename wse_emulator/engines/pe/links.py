"""Links of the PE engine: each has an arbiter that decides after all events of its cycle.

Numbers in brackets are rules of docs/machine_rules.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np

from wse_emulator.engines.pe.clock import AFTER_ALL_OTHERS, Clock
from wse_emulator.engines.pe.messages import DOWN, STEP, RoutedMessage
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import PLANES
from wse_emulator.wafer.spec import WaferSpec


class Link:
    """One directed link (or down-ramp) and its arbiter.

    Attributes:
        plane, row, col: the link that leaves PE (row, col) in this direction.
        order: channel -> messages that have yet to pass; the next one is at the end.
        early: messages whose head is here before it is their turn in the channel.
        channel_free: channel -> cycle in which its preceding message has left.
        asking: heap of (cycle asked, activity, source, message).
        free_at: end of the latest booking.
        wakes_at: cycle in which the arbiter will look again at the messages that wait.
        busy: cycles booked.
    """

    __slots__ = (
        "asking",
        "busy",
        "channel_free",
        "col",
        "early",
        "free_at",
        "order",
        "plane",
        "row",
        "wakes_at",
    )

    def __init__(self, plane: int, row: int, col: int) -> None:
        self.plane = plane
        self.row = row
        self.col = col
        self.order: dict[str, list[RoutedMessage]] = {}
        self.early: set[RoutedMessage] | None = None
        self.channel_free: dict[str, int] | None = None
        self.asking: list[tuple[int, int, int, RoutedMessage]] = []
        self.free_at = 0
        self.wakes_at = -1
        self.busy = 0


class Fabric:
    """All links that the messages of the program use.

    Attributes:
        deliver: called with message, row and column when a head arrives at a sink and has started
            the task that takes it, if there is one.
        booked: cycle -> by how much the number of booked links changes, ramps left out.
    """

    def __init__(
        self,
        clock: Clock,
        spec: WaferSpec,
        messages: list[RoutedMessage],
        deliver: Callable[[RoutedMessage, int, int], None],
    ) -> None:
        self.clock = clock
        self.spec = spec
        self.deliver = deliver
        self.booked: defaultdict[int, int] = defaultdict(int)
        self._links: dict[int, Link] = {}
        self._deciding: list[Link] = []
        self._decided_at = -1
        for message in reversed(messages):  # reversed: the next in program order is popped first
            for row, col in message.routers():
                for plane in message.forward(row, col):
                    key = (plane * spec.rows + row) * spec.cols + col
                    link = self._links.get(key)
                    if link is None:
                        link = self._links[key] = Link(plane, row, col)
                    link.order.setdefault(message.channel, []).append(message)

    def send(self, message: RoutedMessage) -> None:
        """Start a message: its source touches the first wavelet now, and the head goes to the
        router [3.1]."""
        spec = self.spec
        self.clock.later(
            spec.touch_cycles + spec.ramp_cycles, self._head_at_router, message, *message.source
        )

    def _head_at_router(self, message: RoutedMessage, row: int, col: int) -> None:
        spec = self.spec
        for plane in message.forward(row, col):
            link = self._links[(plane * spec.rows + row) * spec.cols + col]
            if plane == DOWN:
                message.at_ramp = self.clock.now
            if spec.turn_cycles and message.turns(row, col, plane):
                self.clock.later(spec.turn_cycles, self._head_at_link, message, link)
            else:
                self._head_at_link(message, link)

    def _head_at_link(self, message: RoutedMessage, link: Link) -> None:
        """Ask for the link, or wait until the channel's message before has left it [3.2]."""
        left = link.channel_free
        if link.order[message.channel][-1] is message and (
            left is None or left.get(message.channel, 0) <= self.clock.now
        ):
            self._ask(message, link)
        else:
            if link.early is None:
                link.early = set()
            link.early.add(message)

    def _ask(self, message: RoutedMessage, link: Link) -> None:
        now = self.clock.now
        if now == self._decided_at:
            raise ConservationError(
                f"{_where(link)} is asked for in cycle {now} after its arbiter has decided"
            )
        heappush(link.asking, (now, message.activity, message.source_index, message))
        self._decide_on(link)

    def _decide_on(self, link: Link) -> None:
        """Let the link's arbiter decide at the end of this cycle."""
        if not self._deciding:
            self.clock.later(0, self._decide, priority=AFTER_ALL_OTHERS)
        self._deciding.append(link)

    def _decide(self) -> None:
        """Decide on every link that was asked for or left in this cycle: first come, first served,
        and requests of the same cycle by activity and source [3.4]."""
        now = self._decided_at = self.clock.now
        links, self._deciding = self._deciding, []
        for link in links:
            if link.asking and link.free_at <= now:
                asked, _, _, message = heappop(link.asking)
                if now != max(asked, link.free_at):
                    raise ConservationError(
                        f"{_where(link)} is granted in cycle {now}, not in "
                        f"{max(asked, link.free_at)} as first come, first served has it"
                    )
                self._grant(link, message, now)
            if link.asking and link.wakes_at != link.free_at:
                link.wakes_at = link.free_at
                self.clock.later(link.free_at - now, self._decide_on, link)

    def _grant(self, link: Link, message: RoutedMessage, now: int) -> None:
        """Grant a link to a message now and book it for [now, now + B).

        The head is at the next router after a hop, or at the PE after the ramp [3.2, 3.3].
        """
        clock, spec = self.clock, self.spec
        end = now + message.cycles
        link.free_at = end
        link.busy += message.cycles
        if link.plane == DOWN:
            # a task starts while the head waits for the ramp [4.1]
            waited = now - message.at_ramp if message.task_cycles else 0
            taken = spec.ramp_cycles + max(message.task_cycles - waited, 0)
            clock.later(taken, self.deliver, message, link.row, link.col)
        else:
            self.booked[now] += 1
            self.booked[end] -= 1
            down, right = STEP[link.plane]
            clock.later(
                spec.hop_cycles, self._head_at_router, message, link.row + down, link.col + right
            )
        order = link.order[message.channel]
        order.pop()
        if order:
            if link.channel_free is None:
                link.channel_free = {}
            link.channel_free[message.channel] = end
            clock.later(message.cycles, self._channel_left, link, message.channel)

    def _channel_left(self, link: Link, channel: str) -> None:
        """Let the channel's next message ask for the link if its head is here."""
        message = link.order[channel][-1]
        if link.early and message in link.early:
            link.early.remove(message)
            self._ask(message, link)

    def busy_cycles(self) -> IntArray:
        """The cycles booked on every link, of shape (5, rows, cols), in the order of ``PLANES``."""
        busy = np.zeros((len(PLANES), self.spec.rows, self.spec.cols), np.int64)
        for link in self._links.values():
            busy[link.plane, link.row, link.col] = link.busy
        return busy

    def check_empty(self) -> None:
        """Raise a ConservationError if a message has not passed every link of its tree."""
        for link in self._links.values():
            waiting = [message for order in link.order.values() for message in order]
            if waiting or link.asking or link.early:
                raise ConservationError(
                    f"{_where(link)} still waits for {len(waiting)} messages after the run, the "
                    f"first of activity {min(m.activity for m in waiting)}"
                )


def _where(link: Link) -> str:
    return f"link {PLANES[link.plane]} of PE ({link.row}, {link.col})"
