"""How a scenario answers: words and a table on the terminal, and files where a folder is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT
from wse_emulator.views.table import Cell, Table

ANSWER_FILE: Final = "answer.txt"
TABLE_FILE: Final = "table.csv"
LEAST_WIDTH: Final = 12
"""Characters that a column of words is not narrowed below."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAnswer:
    """What a scenario found.

    Attributes:
        words: the answer; each entry is a paragraph.
        table: what it rests on; headings carry their units.
        pictures: file name without ending -> figure.
    """

    words: tuple[str, ...]
    table: Table
    pictures: Mapping[str, Figure] = field(default_factory=dict)


def answer_options(command: Command) -> Command:
    """Add ``--out`` and ``--force`` to a scenario."""
    command = click.option(
        "--force", is_flag=True, is_eager=True, help="Replace files of an earlier answer."
    )(command)
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        callback=_check_out,
        metavar="DIR",
        help="Write answer, table and picture into this folder.",
    )(command)


def _check_out(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001  click's signature
    out: Path | None,
) -> Path | None:
    """Refuse a folder before the scenario computes for it; ``--force`` is read first."""
    if out is not None:
        check_folder(out, [ANSWER_FILE, TABLE_FILE], force=bool(context.params.get("force")))
    return out


def report_answer(answer: ScenarioAnswer, out: Path | None, *, force: bool = False) -> int:
    """Print an answer, write it if a folder is named, and return the exit code.

    Raises:
        OutputError: the folder cannot be written, or holds such files and ``force`` is not given.
    """
    console = Console(soft_wrap=False)
    for paragraph in answer.words:
        console.print(paragraph, highlight=False, markup=False)
    console.print()
    console.print(_printed(answer.table))
    if out is not None:
        files = {
            ANSWER_FILE: ("\n\n".join(answer.words) + "\n").encode(),
            TABLE_FILE: answer.table.csv(),
            **{f"{name}.png": render(figure, LIGHT) for name, figure in answer.pictures.items()},
        }
        written = write_files(out, files, force=force)
        names = ", ".join(path.name for path in written)
        console.print(f"Wrote {out}: {names}", highlight=False, markup=False)
    return 0


def _printed(table: Table) -> RichTable:
    printed = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(table.columns):
        numeric = all(isinstance(row[number], int | float) for row in table.rows)
        words = heading.replace("microseconds", "µs")
        if numeric:  # one word a line keeps the column as narrow as its numbers
            printed.add_column(words.replace("_", "\n"), justify="right", no_wrap=True)
        else:
            longest = max((len(_cell(row[number])) for row in table.rows), default=0)
            printed.add_column(
                words.replace("_", " "), min_width=min(longest, LEAST_WIDTH), overflow="fold"
            )
    for row in table.rows:
        printed.add_row(*(Text(_cell(value)) for value in row))
    return printed


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else value
