"""The report folder of ``wse fit``: a page and the pictures that need no step.

Only ``--out`` needs it, and drawing takes long to import, so it is a module of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from wse_emulator.report.folder import check_report_folder, write_report
from wse_emulator.results.facts import Lever, assumptions
from wse_emulator.results.fit import FitReport
from wse_emulator.results.fit_answers import fit_lever
from wse_emulator.results.run import (
    MEMORY_ALONE,
    MemoryFacts,
    RunResult,
    Utilization,
    WallSeconds,
    arrays_without_step,
)
from wse_emulator.tell import Tell

MEMORY_VIEWS: Final = ("memory", "wafer", "pe-curve")


def check_fit_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that cannot be written, before anything is planned.

    Raises:
        OutputError: as :func:`~wse_emulator.report.folder.check_report_folder`.
    """
    check_report_folder(folder, force=force, views=MEMORY_VIEWS)


def draw(report: FitReport, folder: Path, *, force: bool, tell: Tell) -> list[Path]:
    """Write the folder; returns the paths of what is in it."""
    return write_report(result_of_fit(report), folder, force=force, views=MEMORY_VIEWS, tell=tell)


def result_of_fit(report: FitReport) -> RunResult:
    """Turn a fit into a result without steps: bytes in every PE, layers, levers, and no times."""
    worst = report.worst[0]
    nothing = np.zeros(0, dtype=np.int64)
    return RunResult(
        wafer=report.wafer,
        model=report.model,
        optimizer=report.optimizer,
        scheduler=None,
        controller=(0, 0),
        engine=MEMORY_ALONE,
        mode=report.mode,
        fits=report.fits,
        steps=(),
        tensors=(),
        layers=tuple((layer.name, layer.region) for layer in report.layers),
        ops=(),
        op_names=(),
        critical_path=(),
        utilization=Utilization(
            pe_busy=0.0, link_busy=0.0, sram_peak=report.pe.peak_bytes / report.pe.capacity_bytes
        ),
        memory=MemoryFacts(
            bytes=report.bytes,
            capacity_bytes=report.pe.capacity_bytes,
            peak_bytes=report.pe.peak_bytes,
            mean_bytes=report.pe.mean_bytes,
            worst_pe=(worst.row, worst.col),
            worst_pe_bytes=worst.by_category,
        ),
        unsourced_share=0.0,
        seconds_interval=(0.0, 0.0),
        assumptions=assumptions(report.request.wafer),
        events=0,
        wall_seconds=WallSeconds(),
        digest="",
        command=report.command,
        levers=tuple(
            Lever(
                what=fit_lever(lever),
                saves_bytes=lever.saves_bytes,
                fits=lever.fits,
                command=lever.command,
            )
            for lever in report.levers
        ),
        gap_bytes=report.gap_bytes,
        config_unused=report.config_unused,
        request=report.request,
        arrays=arrays_without_step(report.maps.peak, nothing, (nothing, np.zeros(0))),
    )
