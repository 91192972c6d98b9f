"""The clock of the PE engine: SimPy with whole cycles, and with decisions at the end of a cycle."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, TypeVarTuple, cast

from simpy import Environment
from simpy.events import NORMAL, Event, EventPriority

AFTER_ALL_OTHERS: Final = EventPriority(2)
"""SimPy serves priorities 0 (urgent) and 1 (normal) of a cycle first."""

Arguments = TypeVarTuple("Arguments")


class Clock(Environment):
    """A SimPy environment whose time is a whole number of cycles."""

    _now: int

    @property
    def now(self) -> int:
        """The cycle that is running."""
        return self._now

    def later(
        self,
        delay: int,
        function: Callable[[*Arguments], None],
        *arguments: *Arguments,
        priority: EventPriority = NORMAL,
    ) -> None:
        """Call ``function(*arguments)`` in ``delay`` cycles, as an event of its own."""
        event = Event(self)
        event._ok = True
        event._value = None
        event.callbacks.append(lambda _: function(*arguments))
        self.schedule(event, priority, delay)

    def run_to_end(self) -> None:
        """Process all events, as SimPy's ``run`` does, without a call and a check for each."""
        queue = cast("list[tuple[int, int, int, Event]]", self._queue)
        while queue:
            self._now, _, _, event = heappop(queue)
            callbacks = event.callbacks
            event.callbacks = None  # type: ignore[assignment]  # SimPy's mark of a processed event
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value

    def scheduled(self) -> int:
        """Events scheduled so far; after a run, those it has processed."""
        return next(self._eid)


class Pause(Event):
    """A timeout that a process uses for all of its waits, instead of a new one each time."""

    env: Clock

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._ok = True
        self._value = None

    def of(self, cycles: int) -> Pause:
        """Yield this to wait for ``cycles``; the wait before has to be over."""
        self.callbacks = []
        clock = self.env
        heappush(clock._queue, (clock._now + cycles, NORMAL, next(clock._eid), self))
        return self
