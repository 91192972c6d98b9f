"""The report folder of a run: the result, a page, a trace, and pictures with their data."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wse_emulator.report.page import html_report
from wse_emulator.report.trace import trace_json
from wse_emulator.results.files import RUN_ARRAYS, RUN_JSON, run_files
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell, silent
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.page import FORMATS, render
from wse_emulator.views.style import LIGHT, Style

PAGE: Final = "report.html"
TRACE: Final = "trace.json"


def report_names(views: Iterable[str] = VIEWS) -> list[str]:
    """The names of all files of a report with these views."""
    names = [PAGE, TRACE]
    for view in views:
        names += [f"{view}.{kind}" for kind in FORMATS]
        if VIEWS[view].table:
            names.append(f"{view}.csv")
    return [*names, RUN_ARRAYS, RUN_JSON]


def check_report_folder(folder: Path, *, force: bool = False, views: Iterable[str] = VIEWS) -> None:
    """Refuse a folder that cannot be written, before anything is computed.

    Raises:
        OutputError: no folder can be there, or files of an earlier report are and ``force`` is
            not given.
    """
    check_folder(folder, report_names(views), force=force)


def write_report(
    result: RunResult,
    folder: Path,
    *,
    force: bool = False,
    views: Iterable[str] = VIEWS,
    style: Style = LIGHT,
    tell: Tell = silent,
) -> list[Path]:
    """Write the report, once all of it is made.

    ``run.json`` and ``run.npz`` are part of it; ``wall_seconds.report`` in the file is the time
    that making the rest took.

    Args:
        views: names of the pictures.
        style: colours of the pictures; the page follows the reader's own setting.
        tell: called with the name of each part as it begins.

    Returns:
        The paths written; ``run.json`` is the last.

    Raises:
        OutputError: as :func:`check_report_folder`.
    """
    chosen = list(views)
    check_report_folder(folder, force=force, views=chosen)
    begin = time.perf_counter()
    files: dict[str, bytes] = {PAGE: b""}  # the page comes first in the listing, made last
    tell(TRACE)
    files[TRACE] = trace_json(result)
    pictures: dict[str, bytes] = {}
    for name in chosen:
        tell(name)
        view = VIEWS[name]
        figure = view.figure(result, style)
        for kind in FORMATS:
            files[f"{name}.{kind}"] = render(figure, style, kind)
        pictures[name] = files[f"{name}.png"]
        if view.table:
            files[f"{name}.csv"] = view.table(result).csv()
    tell(PAGE)
    files[PAGE] = html_report(result, pictures)
    took = dataclasses.replace(result.wall_seconds, report=time.perf_counter() - begin)
    files |= run_files(dataclasses.replace(result, wall_seconds=took))
    return write_files(folder, files, force=force)
