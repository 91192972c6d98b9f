"""What ``wse validate`` prints."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from wse_emulator.questions.validate import ComparedRecord, ValidationReport
from wse_emulator.questions.validate.operations import OPERATIONS
from wse_emulator.terminal.say import say, show, table


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
            line = OPERATIONS[name].line
            style = "" if one.mean_abs_error <= line else "red"
            errors.add_row(
                name,
                str(one.count),
                Text(f"{one.mean_abs_error:.1%}", style=style),
                f"{one.max_abs_error:.1%}",
                f"{line:.0%}",
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
        error = Text(f"{comparison.error:+.1%}", style="red" if comparison.beyond_line else "")
        records.add_row(comparison.record.id, comparison.machine, *cells, error)
    return records


def _amount(value: float, unit: str) -> str:
    return f"{value * 1e6:.3f} us" if unit == "s" else f"{value:,.0f}"


def _print_notes(report: ValidationReport) -> None:
    lines = []
    sources: dict[str, list[ComparedRecord]] = {}
    for comparison in report.comparisons:
        sources.setdefault(comparison.record.source, []).append(comparison)
        lines += [f"  {comparison.record.id}: {text}" for text in comparison.assumptions]
    say("\nSources")
    say(*(f"  {source}: {_operations(found)}" for source, found in sources.items()))
    if lines:
        say("\nAssumptions where a record leaves something open", *lines)
    if report.not_modelled:
        say("\nNot modelled")
        say(*(f"  {one.id} ({one.operation}): {reason}" for one, reason in report.not_modelled))


def _operations(comparisons: list[ComparedRecord]) -> str:
    return ", ".join(dict.fromkeys(c.record.operation for c in comparisons))
