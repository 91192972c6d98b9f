"""How a scenario answers: in words and a table on the terminal, and in files if a folder is
named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from matplotlib.figure import Figure
from rich.table import Table as RichTable

from wse_emulator.errors import DoesNotFitError
from wse_emulator.results.answers import verdict
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.results.run import RunResult
from wse_emulator.results.sentences import Sentence
from wse_emulator.results.words import seconds
from wse_emulator.terminal.say import say, say_written, show
from wse_emulator.terminal.say import table as look
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
        table: the numbers behind it; headings have their units.
        pictures: file name without ending -> figure.
    """

    words: tuple[str, ...]
    table: Table
    pictures: Mapping[str, Figure] = field(default_factory=dict)


def in_vector_form(steps: Mapping[str, RunResult]) -> tuple[str, ...]:
    """A sentence on what simulated steps take with their functions as vector sequences; none where
    no step computes a function of a vector, or all of them have them so.

    Args:
        steps: name of a step in sentences -> its result.
    """
    forms = {name: result.forms for name, result in steps.items()}
    if all(form is None or form.form == "vector" for form in forms.values()):
        return ()
    taken = (
        f"{name} {seconds(result.steps[0].seconds if form is None else form.vector_seconds)}"
        for (name, result), form in zip(steps.items(), forms.values(), strict=True)
    )
    return (
        "That is with the math library's functions; written as vector sequences they would leave "
        f"{', '.join(taken)}.",
    )


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
    say(*map(Sentence, answer.words))
    show(_printed(answer.table))
    if out is not None:
        files = {
            ANSWER_FILE: ("\n\n".join(answer.words) + "\n").encode(),
            TABLE_FILE: answer.table.csv(),
            **{f"{name}.png": render(figure, LIGHT) for name, figure in answer.pictures.items()},
        }
        written = write_files(out, files, force=force)
        say_written(out, written)
    return 0


def must_fit(results: Mapping[str, RunResult]) -> None:
    """See that every step was simulated.

    Raises:
        DoesNotFitError: a model does not fit; names the result and says by how much.
    """
    for name, result in results.items():
        if not result.fits:
            raise DoesNotFitError(f"{name}: {verdict(result)}")


def _printed(table: Table) -> RichTable:
    headings, words = [], []
    for heading, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        numeric = all(isinstance(cell, int | float) for cell in cells)
        # one word per line keeps a column of numbers as narrow as they are
        shown = heading.replace("microseconds", "µs").replace("_", "\n" if numeric else " ")
        headings.append(shown)
        if not numeric:
            words.append(shown)
    printed = look("", *headings, words=words, unbroken=set(headings) - set(words))
    for row in table.rows:
        printed.add_row(*map(_cell, row))
    for column in printed.columns:
        if column.header in words:
            column.min_width = min(max(map(len, map(str, column.cells))), LEAST_WIDTH)
    return printed


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else value
