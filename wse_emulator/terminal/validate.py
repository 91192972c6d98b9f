"""What ``wse validate`` prints."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.questions.validate import Comparison, ValidationReport
from wse_emulator.questions.validate.operations import OPERATIONS


def print_report(report: ValidationReport, bounds: bool) -> None:
    console = Console()
    console.print(_records(report, bounds))
    for title, consistency in (
        ("Validation", False),
        ("Consistency (rates come from the source they are compared with)", True),
    ):
        summary = report.summary(consistency=consistency)
        if not summary:
            continue
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("operation")
        for heading in ("records", "mean |error|", "largest |error|", "line"):
            table.add_column(heading, justify="right")
        for name, one in summary.items():
            line = OPERATIONS[name].line
            style = "" if one.mean_abs_error <= line else "red"
            table.add_row(
                name,
                str(one.count),
                Text(f"{one.mean_abs_error:.1%}", style=style),
                f"{one.max_abs_error:.1%}",
                f"{line:.0%}",
            )
        console.print()
        console.print(table)
    _print_notes(console, report)


def _records(report: ValidationReport, bounds: bool) -> Table:
    table = Table(
        title="Published against modelled, in cycles where no unit stands",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("record", overflow="fold")
    table.add_column("machine", no_wrap=True)
    for heading in ("published", "modelled", *(("formula",) if bounds else ()), "error"):
        table.add_column(heading, justify="right", no_wrap=True)
    for comparison in report.comparisons:
        unit = comparison.record.unit
        cells = [_amount(comparison.record.value, unit), _amount(comparison.modelled, unit)]
        if bounds:
            cells.append("" if comparison.bound is None else _amount(comparison.bound, unit))
        error = Text(f"{comparison.error:+.1%}", style="red" if comparison.beyond_line else "")
        table.add_row(comparison.record.id, comparison.machine, *cells, error)
    return table


def _amount(value: float, unit: str) -> str:
    return f"{value * 1e6:.3f} us" if unit == "s" else f"{value:,.0f}"


def _print_notes(console: Console, report: ValidationReport) -> None:
    lines = []
    sources: dict[str, list[Comparison]] = {}
    for comparison in report.comparisons:
        sources.setdefault(comparison.record.source, []).append(comparison)
        lines += [f"  {comparison.record.id}: {text}" for text in comparison.assumptions]
    console.print("\nSources")
    for source, comparisons in sources.items():
        console.print(Text(f"  {source}: {_operations(comparisons)}"))
    if lines:
        console.print("\nAssumptions where a record leaves something open")
        for line in lines:
            console.print(Text(line))
    if report.not_modelled:
        console.print("\nNot modelled")
        for record, reason in report.not_modelled:
            console.print(Text(f"  {record.id} ({record.operation}): {reason}"))


def _operations(comparisons: list[Comparison]) -> str:
    return ", ".join(dict.fromkeys(c.record.operation for c in comparisons))
