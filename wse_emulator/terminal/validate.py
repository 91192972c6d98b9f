"""What ``wse validate`` prints."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from wse_emulator.questions.validate import ValidationReport
from wse_emulator.results.words import deviation, seconds, share
from wse_emulator.terminal.say import show, table


def print_validation(report: ValidationReport, bounds: bool) -> None:
    """Print each record beside the modelled figure, then errors by operation, then sources."""
    show(_records(report, bounds), opening=True)
    for title, consistency in (
        ("Validation", False),
        ("Consistency (rates come from the source they are compared with)", True),
    ):
        summary = report.summary(consistency=consistency)
        if not summary:
            continue
        errors = table(title, "operation", "records", "mean |error|", "largest |error|", "line")
        for name, one in summary.items():
            line = 1.0
            style = "" if one.mean_abs_error <= line else "red"
            errors.add_row(
                name,
                str(one.count),
                Text(share(one.mean_abs_error), style=style),
                share(one.max_abs_error),
                share(line),
            )
        show(errors)
    _print_notes(report)


def _records(report: ValidationReport, bounds: bool) -> Table:
    numbers = ("published", "modelled", *(("formula",) if bounds else ()), "error")
    records = table(
        "Published against modelled, in cycles where no unit stands",
        "record",
        "machine",
        *numbers,
        words=("record", "machine"),
        unbroken=("machine", *numbers),
    )
    for comparison in report.comparisons:
        unit = comparison.record.unit
        cells = [_amount(comparison.record.value, unit), _amount(comparison.modelled, unit)]
        if bounds:
            cells.append("" if comparison.bound is None else _amount(comparison.bound, unit))
        error = Text(deviation(comparison.error), style="red" if comparison.beyond_line else "")
        records.add_row(comparison.record.id, comparison.machine, *cells, error)
    return records


def _amount(value: float, unit: str) -> str:
    return seconds(value) if unit == "s" else f"{value:,.0f}"


def _print_notes(report: ValidationReport) -> None:
    """Print where the figures come from, what was assumed, and what is not modelled."""
    sources: dict[str, list[str]] = {}
    for comparison in report.comparisons:
        operations = sources.setdefault(comparison.record.source, [])
        if comparison.record.operation not in operations:
            operations.append(comparison.record.operation)
    came = table("Sources", "source", "operations", words=("source", "operations"))
    for source, operations in sources.items():
        came.add_row(source, ", ".join(operations))
    open_title = "Assumptions where a record leaves something open"
    assumed = table(open_title, "record", "assumption", words=("record", "assumption"))
    for comparison in report.comparisons:
        for text in comparison.assumptions:
            assumed.add_row(comparison.record.id, text)
    words = ("record", "operation", "reason")
    missing = table("Not modelled", *words, words=words)
    for one, reason in report.not_modelled:
        missing.add_row(one.id, one.operation, reason)
    show(came, assumed, missing)
