"""The memory answer as a result, so that the pictures and the page of a run show it too."""

from __future__ import annotations

import numpy as np

from wse_emulator.results.fit_report import FitReport
from wse_emulator.results.run_result import (
    Lever,
    MemoryFacts,
    RunResult,
    Utilization,
    WallSeconds,
    arrays_without_step,
)


def result_of_fit(report: FitReport) -> RunResult:
    """A result without steps: bytes in every PE, layers, levers; nothing was timed."""
    worst = report.worst[0]
    nothing = np.zeros(0, dtype=np.int64)
    return RunResult(
        wafer=report.wafer,
        model=report.model,
        optimizer=report.optimizer,
        scheduler=None,
        controller=(0, 0),
        engine="none",
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
        assumptions=report.notes,
        events=0,
        wall_seconds=WallSeconds(),
        digest="",
        command=report.command,
        levers=tuple(
            Lever(
                what=f"{lever.what} ({' '.join(lever.arguments)})",
                saves_bytes=lever.saves_bytes,
                fits=lever.fits,
            )
            for lever in report.levers
        ),
        gap_bytes=report.gap_bytes,
        arrays=arrays_without_step(report.maps.peak, nothing, (nothing, np.zeros(0))),
    )
