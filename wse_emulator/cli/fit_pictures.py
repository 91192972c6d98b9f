"""The report folder of ``wse fit``: a page and the pictures that need no step.

A module of its own, imported only for ``--out``: drawing takes long to import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wse_emulator.results.fit_report import FitReport
from wse_emulator.results.fit_result import result_of_fit
from wse_emulator.views.report_folder import Tell, check_report_folder, report_names, write_report

MEMORY_VIEWS: Final = ("memory", "wafer", "pe-curve")


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that cannot be written, before anything is planned.

    Raises:
        OutputError: as :func:`~wse_emulator.views.report_folder.check_report_folder`.
    """
    check_report_folder(folder, force=force, views=MEMORY_VIEWS)


def draw(report: FitReport, folder: Path, *, force: bool, tell: Tell) -> str:
    """Write the folder and say what is in it."""
    write_report(result_of_fit(report), folder, force=force, views=MEMORY_VIEWS, tell=tell)
    return f"Wrote {folder}: {', '.join(report_names(MEMORY_VIEWS))}"
