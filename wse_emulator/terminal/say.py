"""How every command speaks on a terminal: sentences as they stand, and tables in one look."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from wse_emulator.results.sentences import NOTHING, Sentence, sentence


class _Terminal(Console):
    """A console on standard output that prints text unchanged.

    Square brackets, ``:names:`` and numbers keep the form they have, since file names, tensors
    and messages may hold them. A reader that stops early (``head``, ``less``) raises
    BrokenPipeError, which :mod:`wse_emulator.cli.main` takes as a good end.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, highlight=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Send the rest of the output nowhere, and pass the error on."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise BrokenPipeError


def say(*paragraphs: Sentence, apart: bool = False) -> None:
    """Print each paragraph that says something, wrapped to the width of the terminal.

    Args:
        paragraphs: what functions decorated with ``sentence`` return.
        apart: whether a blank line stands before the first.
    """
    terminal = _Terminal()
    for paragraph in filter(None, paragraphs):
        if apart:
            terminal.print()
            apart = False
        terminal.print(paragraph)


def show(*tables: Table, opening: bool = False) -> None:
    """Print the tables that have rows, a blank line before each.

    Args:
        opening: the tables open the answer, so that no blank line stands before the first.
    """
    terminal = _Terminal()
    for number, one in enumerate(one for one in tables if one.row_count):
        if number or not opening:
            terminal.print()
        terminal.print(one)


def say_written(out: Path, files: Iterable[Path]) -> None:
    """Say which files were written into the folder ``out``."""
    say(folder_written(str(out), [path.name for path in files]), apart=True)


@sentence
def folder_written(folder: str, names: Iterable[str]) -> str:
    """Which files a folder holds now."""
    return f"Wrote {folder}: {', '.join(names)}"


@sentence
def file_written(file: Path) -> str:
    """Which file there is now."""
    return f"Wrote {file}"


def table(
    title: str,
    *headings: str,
    words: Collection[str] | None = None,
    unbroken: Collection[str] = (),
    caption: Sentence = NOTHING,
) -> Table:
    """Return an empty table in the look that all commands share.

    Args:
        title: what the table shows; may be empty.
        headings: one per column.
        words: headings of the columns that hold words and start at the left; numbers end at the
            right. By default the first column holds words and the others numbers.
        unbroken: headings of the columns that are never broken into lines.
        caption: a sentence below the table, after a blank line.
    """
    made = Table(
        title=title or None,
        caption=f"\n{caption}" if caption else None,
        box=box.SIMPLE_HEAD,
        show_header=any(headings),
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
        caption_justify="left",
    )
    for heading in headings:
        made.add_column(
            heading,
            justify="left" if heading in (headings[:1] if words is None else words) else "right",
            no_wrap=heading in unbroken,
            overflow="fold",
        )
    return made
