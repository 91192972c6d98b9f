"""The report folder of a run: result files, pictures, and the data beside each picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from wse_emulator.results.files import run_files
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.results.run_result import RunResult
from wse_emulator.views.learning_rate import figure_run_learning_rate
from wse_emulator.views.link_map import figure_links
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT, Style
from wse_emulator.views.timeline import figure_timeline
from wse_emulator.views.utilization import figure_utilization
from wse_emulator.views.wafer_map import figure_wafer

VIEWS: Final[Mapping[str, Callable[[RunResult, Style], Figure]]] = {
    "timeline": figure_timeline,
    "utilization": figure_utilization,
    "wafer": figure_wafer,
    "links": figure_links,
    "learning-rate": figure_run_learning_rate,
}
"""View name -> figure of a result."""

FILES: Final = ("run.json", "run.npz", *(f"{name}.png" for name in VIEWS))


def check_report_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that cannot be written, before anything is computed.

    Raises:
        OutputError: no folder can be there, or files of an earlier report are and ``force`` is
            not given.
    """
    check_folder(folder, FILES, force=force)


def write_report(result: RunResult, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the whole report; every file appears at once or not at all.

    Raises:
        OutputError: as :func:`check_report_folder`.
    """
    check_report_folder(folder, force=force)
    files = dict(run_files(result))
    for name, figure in VIEWS.items():
        files[f"{name}.png"] = render(figure(result, LIGHT), LIGHT)
    return write_files(folder, files, force=force)
