"""A clock that a test moves, so that no test depends on how busy the machine is."""

from __future__ import annotations

from collections.abc import Callable


class HandMovedClock:
    """A clock that stands still until it is moved.

    Args:
        ticks: seconds that go by whenever the time is asked for.
    """

    def __init__(self, ticks: float = 0.0) -> None:
        self._ticks = ticks
        self._seconds = 0.0
        self._due: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        """Seconds since it was made."""
        self._seconds += self._ticks
        return self._seconds

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Have ``call`` called when the clock is moved so far."""
        entry = (self._seconds + seconds, call)
        self._due.append(entry)
        return lambda: self._due.remove(entry) if entry in self._due else None

    def move(self, seconds: float) -> None:
        """Let time go by, and call what is due."""
        self._seconds += seconds
        due = [entry for entry in self._due if entry[0] <= self._seconds]
        self._due = [entry for entry in self._due if entry not in due]
        for _, call in due:
            call()
