"""A result as a notebook shows it: the answer as a small table, no script, no picture."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wse_emulator.results.run_result import RunResult


def run_card(result: RunResult) -> str:
    """HTML of the verdict, the step time and what was run."""
    memory, wafer = result.memory, result.wafer
    rows = [
        ("model", f"{result.model.name}, {result.model.parameters:,} parameters"),
        ("optimizer", result.optimizer.name),
        ("wafer", f"{wafer.name}, {wafer.rows:,} rows x {wafer.cols:,} columns"),
        ("fits", "yes" if result.fits else f"no, {result.gap_bytes:,} bytes over"),
        ("fullest PE", f"{memory.peak_bytes:,} of {memory.capacity_bytes:,} bytes"),
    ]
    if result.steps:
        step = result.steps[-1]
        rows.append(("step", f"{step.cycles:,} cycles, {step.seconds * 1e6:,.4g} µs"))
        rows.append(("PEs busy", f"{result.utilization.pe_busy:.1%}"))
    rows += [("lever", f"{v.what}: saves {v.saves_bytes:,} bytes") for v in result.levers]
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>"
