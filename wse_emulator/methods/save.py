"""A result as files of a folder."""

from __future__ import annotations

import json
import os
from functools import singledispatch
from pathlib import Path

from wse_emulator.errors import OutputError
from wse_emulator.methods.tables import tables_of
from wse_emulator.questions.saved.pictures import pictures_of
from wse_emulator.report.fit import MEMORY_VIEWS, result_of_fit
from wse_emulator.report.folder import write_report
from wse_emulator.results.answer import Answer
from wse_emulator.results.fit import FitReport
from wse_emulator.results.folder import write_files
from wse_emulator.results.run import RunResult
from wse_emulator.results.schedule import LearningRates
from wse_emulator.terminal.schedule import csv_text
from wse_emulator.views.page import FORMATS, render
from wse_emulator.views.style import LIGHT


def save(answer: Answer, folder: str | Path, *, force: bool) -> list[Path]:
    """Write a result into a folder; see :meth:`~wse_emulator.results.answer.Answer.save`.

    Raises:
        OutputError: the folder cannot be written, or files are there without ``force``.
    """
    if not isinstance(folder, str | os.PathLike) or not str(folder):
        raise OutputError(f"the folder is {folder!r}; give the path of a folder")
    try:
        return write(answer, Path(folder), force)
    except OutputError as error:
        raise OutputError(str(error).replace("give --force", "give force=True")) from error


@singledispatch
def write(answer: Answer, folder: Path, force: bool) -> list[Path]:
    """Write the document of a result, its tables and its pictures."""
    return write_files(folder, _files(answer), force=force)


def _files(answer: Answer) -> dict[str, bytes]:
    """Name -> content; the document comes last, so that its presence says that all is there."""
    document = answer.document()
    name = str(document["schema"]).removeprefix("wse-").partition("/")[0]
    files: dict[str, bytes] = {}
    for title, table in tables_of(answer).items():
        if table.rows:
            files[f"{title}.csv"] = table.csv()
    for title, draw in pictures_of(answer).items():
        figure = draw(LIGHT)
        for kind in FORMATS:
            files[f"{title}.{kind}"] = render(figure, LIGHT, kind)
    files[f"{name}.json"] = (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()
    return files


@write.register
def _run(answer: RunResult, folder: Path, force: bool) -> list[Path]:
    return write_report(answer, folder, force=force)


@write.register
def _rates(answer: LearningRates, folder: Path, force: bool) -> list[Path]:
    schedules = [answer] if answer.beside is None else [answer, answer.beside]
    every_step = {"rates.csv": csv_text(schedules).encode()}
    return write_files(folder, {**_files(answer), **every_step}, force=force)


@write.register
def _fit(answer: FitReport, folder: Path, force: bool) -> list[Path]:
    return write_report(result_of_fit(answer), folder, force=force, views=MEMORY_VIEWS)
