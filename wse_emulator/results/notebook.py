"""A result as a notebook shows it: the answer as a small table, no script, no picture."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wse_emulator.results.check_report import CheckReport
    from wse_emulator.results.fit_report import FitReport, OptimizerRow
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
    return _table(rows)


def fit_card(report: FitReport) -> str:
    """HTML of the verdict, what was judged, where the bytes are, and what would make room."""
    rows = [
        ("model", f"{report.model.name}, {report.model.parameters:,} parameters"),
        ("optimizer", report.optimizer.name),
        (
            "wafer",
            f"{report.wafer.name}, {report.wafer.rows:,} rows x {report.wafer.cols:,} columns",
        ),
        ("mode", f"{report.mode}, {report.precision}"),
    ]
    if report.batch is not None:
        rows.append(("batch", f"{report.batch.batch_size:,}"))
    rows.append(("fullest PE", f"{report.pe.peak_bytes:,} of {report.pe.capacity_bytes:,} bytes"))
    rows += [
        (f"{name.replace('_', ' ')}, all PEs", f"{count:,} bytes")
        for name, count in report.bytes.items()
        if count
    ]
    rows += [
        (
            "lever",
            f"{lever.what}: saves {lever.saves_bytes:,} bytes in the fullest PE"
            f"{', and then it fits' if lever.fits else ''}",
        )
        for lever in report.levers
    ]
    rows += [(row.optimizer, _optimizer_words(row)) for row in report.optimizers]
    if report.solution is not None:
        rows.append(("solved", report.solution.sentence))
    return f"<p>{html.escape(report.verdict)}</p>{_table(rows)}"


def check_card(report: CheckReport) -> str:
    """HTML of whether an optimizer is legal, and each broken rule with its remedy."""
    verdict = "keeps all" if report.legal else f"breaks {len(report.violations)} of the"
    said = f"{report.optimizer} {verdict} static-state rules over {report.steps:,} steps."
    return f"<p>{html.escape(said)}</p>{_table((v.rule, str(v)) for v in report.violations)}"


def _optimizer_words(row: OptimizerRow) -> str:
    if row.refused:
        return f"refused: {row.refused}"
    verdict = "fits" if row.fits else f"does not fit, {row.gap_bytes:,} bytes over"
    return f"{verdict}; {row.state_bytes:,} bytes of state"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>" if lines else ""
