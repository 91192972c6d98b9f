"""How a notebook shows a result: its sentences, its figures, what would help, and a picture."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from functools import singledispatch
from typing import Final

from wse_emulator.methods.words import sentences
from wse_emulator.questions.saved.pictures import pictures_of
from wse_emulator.results.answer import Answer
from wse_emulator.results.answers import lever_words
from wse_emulator.results.check import CheckReport
from wse_emulator.results.facts import Lever, ModelFacts, WaferFacts
from wse_emulator.results.fit import FitReport, OptimizerRow
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles, full_bytes, seconds, share, size
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT

Rows = list[tuple[str, str]]

SHOWN_PICTURES: Final = ("time", "memory", "learning-rate", "bottlenecks", "difference")
"""The picture on a card is the first of these that the result has."""


def card(answer: Answer) -> str:
    """HTML of a result: its first sentences, a table of figures, and one picture."""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in sentences(answer) if line)
    return f"{said}{card_table(rows_of_card(answer))}{_picture(answer)}"


def card_table(rows: Iterable[tuple[str, str]]) -> str:
    """Make an HTML table of two columns; empty without rows."""
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>" if lines else ""


def _picture(answer: Answer) -> str:
    found = pictures_of(answer)
    name = next((name for name in SHOWN_PICTURES if name in found), None)
    if isinstance(answer, RunResult) and not answer.steps:
        name = "memory"
    if name is None:
        return ""
    encoded = base64.b64encode(render(found[name](LIGHT), LIGHT)).decode()
    return f'<img alt="{name}" style="max-width:100%" src="data:image/png;base64,{encoded}">'


@singledispatch
def rows_of_card(answer: Answer) -> Rows:  # noqa: ARG001 - what has sentences alone
    """The figures on a card: (name, value)."""
    return []


@rows_of_card.register
def _of_run(answer: RunResult) -> Rows:
    memory = answer.memory
    rows = _asked(answer.model, answer.optimizer.name, answer.wafer)
    rows.append(("fits", "yes" if answer.fits else f"no, {full_bytes(answer.gap_bytes)} over"))
    rows.append(("fullest PE", _fullest(memory.peak_bytes, memory.capacity_bytes)))
    if answer.steps:
        step, (low, high) = answer.steps[-1], answer.seconds_interval
        rows.append(("step", f"{cycles(step.cycles)} = {seconds(step.seconds)}"))
        if 0 < low < high:
            rows.append(("between", f"{seconds(low)} and {seconds(high)}"))
        rows.append(("PEs busy", share(answer.utilization.pe_busy)))
    return rows + _levers(answer.levers)


@rows_of_card.register
def _of_fit(answer: FitReport) -> Rows:
    rows = _asked(answer.model, answer.optimizer.name, answer.wafer)
    rows.append(("mode", f"{answer.mode}, {answer.precision}"))
    if answer.batch is not None:
        rows.append(("batch", f"{answer.batch.batch_size:,}"))
    rows.append(("fullest PE", _fullest(answer.pe.peak_bytes, answer.pe.capacity_bytes)))
    rows += [
        (f"{name.replace('_', ' ')}, all PEs", size(count))
        for name, count in answer.bytes.items()
        if count
    ]
    rows += _levers(answer.levers)
    rows += [(row.optimizer, _optimizer_words(row)) for row in answer.optimizers]
    if answer.solution is not None:
        rows.append(("solved", answer.solution.sentence))
    return rows


@rows_of_card.register
def _of_check(answer: CheckReport) -> Rows:
    return [(violation.rule, str(violation)) for violation in answer.violations]


def _asked(model: ModelFacts, optimizer: str, wafer: WaferFacts) -> Rows:
    return [
        ("model", f"{model.name}, {model.parameters:,} parameters"),
        ("optimizer", optimizer),
        ("wafer", f"{wafer.name}, {wafer.rows:,} rows x {wafer.cols:,} columns"),
    ]


def _fullest(peak: int, capacity: int) -> str:
    return f"{peak:,} of {full_bytes(capacity)} ({share(peak / capacity)})"


def _levers(levers: Iterable[Lever]) -> Rows:
    return [("lever", lever_words(lever)) for lever in levers]


def _optimizer_words(row: OptimizerRow) -> str:
    if row.refused:
        return f"refused: {row.refused}"
    verdict = "fits" if row.fits else f"does not fit, {full_bytes(row.gap_bytes)} over"
    return f"{verdict}; {size(row.state_bytes)} of state"
