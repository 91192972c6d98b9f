"""Telling how far a command is: a line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

SILENT_SECONDS: Final = 2.0
"""A command that takes less says nothing."""


@contextmanager
def telling(total: int, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Give a function to be called with the name of each of ``total`` parts as it begins.

    Everything goes to standard error, so that ``--json -`` stays JSON.
    """
    console = Console(stderr=True)
    if quiet:
        yield _nothing
        return
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=total)
            begun = [0]

            def show(name: str) -> None:
                progress.update(task, description=name, completed=begun[0])
                begun[0] += 1

            yield show
        return
    begin = time.monotonic()
    number = [0]

    def say(name: str) -> None:
        number[0] += 1
        if time.monotonic() - begin >= SILENT_SECONDS:
            click.echo(f"{number[0]}/{total}: {name}", err=True)

    yield say


def _nothing(name: str) -> None:
    """What --quiet says."""
