"""What ``wse validate`` prints."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.table import Table
from rich.text import Text

from wse_emulator.questions.validate import GroupSummary, Summary, ValidationReport
from wse_emulator.questions.validate.groups import OperationGroup
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import deviation, plural, seconds, share
from wse_emulator.terminal.say import say, show, table
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS

FEW_RECORDS: Final = 30
"""So many are shown one by one without ``--records``."""

_ERRORS: Final = ("records", "mean", "largest", "line", "null model")


def print_validation(report: ValidationReport, *, bounds: bool, records: bool) -> None:
    """Print errors by group of operations, what is not modelled, and what else to know.

    Args:
        report: the comparisons.
        bounds: show the published formula beside each record.
        records: show each record, its source and what was assumed; a few are shown in any case.
    """
    listed = records or bounds or len(report.comparisons) <= FEW_RECORDS
    opened = bool(report.comparisons) and listed
    if listed:
        show(_records(report, bounds), opening=True)
    if report.grouping in ("operation", "training"):
        show(_groups(report), opening=not opened)
    else:
        show(_summaries(report, "Errors"), opening=not opened)
    show(_consistency(report))
    if listed:
        show(_sources(report), _assumptions(report))
    else:
        show(_beyond_lines(report))
    show(_not_modelled(report))
    say(standings(report), nulls_nearer(report), left_out_words(report), apart=True)
    if report.comparisons:
        say(coefficients_words())


def _groups(report: ValidationReport) -> Table:
    """A row a group, and below it one an operation where it has several."""
    errors = table("Errors by group of operations", "operation", *_ERRORS, unbroken=_ERRORS)
    for one in report.groups():
        several = len(one.operations) > 1
        if one.whole is None:
            errors.add_row(one.group.name, "0", "", "", _line(one.group), "")
            continue
        row = _row(one.group.name, one.whole, one)
        complete = one.whole.null_count == one.whole.count  # else the operations' own say it
        errors.add_row(*row if complete else [*row[:-1], ""])
        if several:
            for name, summary in one.operations.items():
                errors.add_row(*_row(f"  {name}", summary, None), style="dim")
    return errors


def _row(name: str, summary: Summary, group: GroupSummary | None) -> list[str | Text]:
    style = "red" if group is not None and group.within is False else ""
    return [
        name,
        str(summary.count),
        Text(share(summary.mean_abs_error), style=style),
        Text(share(summary.max_abs_error), style=style),
        "" if group is None else _line(group.group),
        _null(summary),
    ]


def _line(group: OperationGroup) -> str:
    lines = (group.mean_line, group.largest_line)
    return "; ".join(share(line) for line in lines if line is not None)


def _null(summary: Summary) -> str:
    """Errors of the lines that were fitted, and of how many records where it is not all."""
    if summary.null_mean_abs_error is None or summary.null_max_abs_error is None:
        return ""
    errors = f"{share(summary.null_mean_abs_error)}; {share(summary.null_max_abs_error)}"
    of = "" if summary.null_count == summary.count else f" of {summary.null_count}"
    return errors + of


def _summaries(report: ValidationReport, title: str) -> Table:
    headings = ("records", "mean", "largest", "null model")
    errors = table(f"{title} by {report.grouping}", report.grouping, *headings, unbroken=headings)
    for name, one in report.summary(consistency=False, by=report.grouping).items():
        figures = (share(one.mean_abs_error), share(one.max_abs_error), _null(one))
        errors.add_row(name, str(one.count), *figures)
    return errors


def _consistency(report: ValidationReport) -> Table:
    title = "Consistency (rates come from the source they are compared with)"
    errors = table(title, "operation", "records", "mean", "largest")
    for name, one in report.summary(consistency=True).items():
        errors.add_row(name, str(one.count), share(one.mean_abs_error), share(one.max_abs_error))
    return errors


def _records(report: ValidationReport, bounds: bool) -> Table:
    numbers = ("published", "modelled", *(("formula",) if bounds else ()), "error")
    records = table(
        "Published against modelled, in cycles where no unit stands",
        "record",
        "machine",
        *numbers,
        "counts",
        words=("record", "machine", "counts"),
        unbroken=("machine", *numbers),
    )
    for one in report.comparisons:
        unit = one.record.unit
        cells = [_amount(one.record.value, unit), _amount(one.modelled, unit)]
        if bounds:
            cells.append("" if one.bound is None else _amount(one.bound, unit))
        error = Text(deviation(one.error), style="red" if one.beyond_line else "")
        counts = "" if one.standing == "scored" else one.standing
        records.add_row(one.record.id, one.machine, *cells, error, counts)
    return records


def _beyond_lines(report: ValidationReport) -> Table:
    headings = ("published", "modelled", "error")
    title = "Records beyond the line of their group"
    words = ("record", "group")
    beyond = table(title, "record", "group", *headings, words=words, unbroken=headings)
    for one in report.comparisons:
        if one.beyond_line:
            amounts = (
                _amount(value, one.record.unit) for value in (one.record.value, one.modelled)
            )
            beyond.add_row(one.record.id, one.group.name, *amounts, deviation(one.error))
    return beyond


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return seconds(value)
    number = f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.2f}"
    return number if unit.startswith("cycles") else f"{number} {unit}"


def _sources(report: ValidationReport) -> Table:
    sources: dict[str, list[str]] = {}
    for one in report.comparisons:
        operations = sources.setdefault(one.record.source, [])
        if one.record.operation not in operations:
            operations.append(one.record.operation)
    came = table("Sources", "source", "operations", words=("source", "operations"))
    for source, operations in sources.items():
        came.add_row(source, ", ".join(operations))
    return came


def _assumptions(report: ValidationReport) -> Table:
    title = "Assumptions where a record leaves something open"
    assumed = table(title, "record", "assumption", words=("record", "assumption"))
    for one in report.comparisons:
        for text in one.assumptions:
            assumed.add_row(one.record.id, text)
    return assumed


def _not_modelled(report: ValidationReport) -> Table:
    alike: dict[tuple[str, str], list[str]] = {}
    for one, reason in report.not_modelled:
        alike.setdefault((one.operation, reason), []).append(one.id)
    words = ("operation", "reason", "records")
    missing = table("Not modelled", *words, words=words)
    for (operation, reason), names in alike.items():
        missing.add_row(operation, reason, ", ".join(names))
    return missing


@sentence
def standings(report: ValidationReport) -> str:
    """How many records count, and why the others do not; empty where none is compared."""
    if not report.comparisons:
        return ""
    many: Counter[str] = Counter(one.standing for one in report.comparisons)
    why_not = {
        "calibrates": "gave a coefficient",
        "consistency": "have their machine's rates from the same source",
        "contested": "are contested",
        "repeats": "repeat the figure of another record",
    }
    others = [f"{many[standing]} {words}" for standing, words in why_not.items() if many[standing]]
    compared = plural(len(report.comparisons), "record")
    counted = f"{compared} compared, {many['scored']} scored"
    return f"{counted}; not scored: {', '.join(others)}." if others else f"{counted}."


@sentence
def nulls_nearer(report: ValidationReport) -> str:
    """Where two fitted numbers are nearer to the records than the mechanism; empty if nowhere."""
    nearer = [
        f"{name} (mean {share(one.null_mean_abs_error)} against {share(one.mean_abs_error)})"
        for group in report.groups()
        for name, one in group.operations.items()
        if one.null_is_nearer and one.null_mean_abs_error is not None
    ]
    if not nearer:
        return ""
    return (
        "The null model, two numbers fitted to the records that they are judged by (constant + "
        f"slope x size), is nearer than the mechanism for {', '.join(nearer)}."
    )


@sentence
def left_out_words(report: ValidationReport) -> str:
    """How many records were left out, and how to ask for them; empty if none."""
    if not report.left_out:
        return ""
    left = plural(len(report.left_out), "record")
    if report.grouping == "training":
        return f"{left} of single operations left out; wse validate without --group training asks."
    return f"{left} of whole training steps left out; wse validate --group training asks."


@sentence
def coefficients_words() -> str:
    """How many coefficients the kernels have that no rule explains."""
    return (
        f"{len(KERNEL_FIELDS)} coefficients of kernels are not explained by a rule of the machine; "
        "wse wafers NAME lists them with the records that gave them."
    )
