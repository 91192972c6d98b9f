"""Tell how far a command is: by a bar on a terminal, by lines in a log, not at all if quiet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from wse_emulator.tell import Tell

SILENT_SECONDS: Final = 2.0
"""A command that takes less says nothing."""


class TimeSource(Protocol):
    """What tells how long a command takes."""

    def now(self) -> float:
        """Seconds since a moment that stays the same."""
        ...

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call`` once so many seconds have gone by; returns what prevents that."""
        ...


class WallClock:
    """The clock on the wall."""

    def now(self) -> float:
        """Seconds that the machine has been running."""
        return time.monotonic()

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call`` from another thread; what is returned waits for a call that has begun."""
        timer = threading.Timer(seconds, call)
        timer.daemon = True
        timer.start()

        def prevent() -> None:
            timer.cancel()
            timer.join()

        return prevent


clock: TimeSource = WallClock()
"""The clock of all commands; tests set one that they move themselves."""

quiet_option: Final = click.option("--quiet", is_flag=True, help="No progress on standard error.")
"""The option of every command that can take longer."""


@contextmanager
def telling(total: int | None, *, quiet: bool = False) -> Iterator[Tell]:
    """Give a function to be called with the name of each of ``total`` parts as it begins.

    Everything goes to standard error, so that ``--json -`` stays JSON.

    Args:
        total: how many parts there are, or None where nobody knows; more may be told.
    """
    console = Console(stderr=True)
    if quiet:
        yield _nothing
    elif console.is_terminal:
        with _bar(console, total) as tell:
            yield tell
    else:
        with _lines(total) as tell:
            yield tell


@contextmanager
def _bar(console: Console, total: int | None) -> Iterator[Tell]:
    """Show a bar with the stage and the time left, from the third second on."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = progress.add_task("", total=total)
    begun = [0]

    def show(name: str) -> None:
        most = None if total is None else max(total, begun[0] + 1)
        progress.update(task, description=name, completed=begun[0], total=most)
        begun[0] += 1

    with _after_silence(progress.start):
        try:
            yield show
        finally:
            progress.stop()


@contextmanager
def _lines(total: int | None) -> Iterator[Tell]:
    """Write a line for each stage, from the third second on, beginning with the one that runs."""
    begin = clock.now()
    told: list[str] = []
    said = [0]
    lock = threading.Lock()

    def say_latest() -> None:
        with lock:
            if len(told) > said[0]:
                said[0] = len(told)
                of = "" if total is None else f"/{max(total, len(told))}"
                click.echo(f"{len(told)}{of}: {told[-1]}", err=True)

    def say(name: str) -> None:
        told.append(name)
        if clock.now() - begin >= SILENT_SECONDS:
            say_latest()

    with _after_silence(say_latest):
        yield say


@contextmanager
def _after_silence(begin: Callable[[], None]) -> Iterator[None]:
    """Call ``begin`` once the silent seconds are over, unless the work is done before."""
    prevent = clock.after(SILENT_SECONDS, begin)
    try:
        yield
    finally:
        prevent()


def _nothing(name: str) -> None:
    """Tell nothing, as ``--quiet`` asks."""
