"""The tables of accuracy in README.md and docs/machine.md, made from ``wse validate``.

``python -m tests.questions.validate.tables`` writes them into the pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.generated_tables import markdown_table, with_table
from tests.questions.validate.whole import whole_report
from wse_emulator.questions.validate import Summary

ROOT: Final = Path(__file__).parents[3]
README: Final = ROOT / "README.md"
MACHINE: Final = ROOT / "docs" / "machine.md"

_ERRORS: Final = ("records", "mean", "largest", "line: mean; largest", "null model")


def readme_with_table(page: str) -> str:
    """The text of README.md with its table of errors by group of operations."""
    rows = [
        (one.group.name, *_errors(one.whole), _lines(one.group.mean_line, one.group.largest_line))
        for one in whole_report().groups()
        if one.whole is not None
    ]
    consistency = [
        (f"*consistency:* `{name}`", *_errors(one), "")
        for name, one in whole_report().summary(consistency=True).items()
    ]
    return with_table(page, _table("operations", [*rows, *consistency]))


def machine_with_tables(page: str) -> str:
    """The text of docs/machine.md with its table of errors by operation."""
    rows = [
        (f"`{name}`", *_errors(summary), group.group.name)
        for group in whole_report().groups()
        for name, summary in group.operations.items()
    ]
    headings = ("operation", "records", "mean", "largest", "null model", "group")
    return with_table(page, markdown_table(headings, [(*r[:4], r[4], r[5]) for r in rows]))


def _table(first: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    return markdown_table((first, *_ERRORS), [(*row[:4], row[5], row[4]) for row in rows])


def _errors(one: Summary) -> tuple[str, str, str, str]:
    """Records, mean, largest, and the null model's mean and largest."""
    null = ""
    if one.null_mean_abs_error is not None and one.null_max_abs_error is not None:
        null = f"{_percent(one.null_mean_abs_error)}; {_percent(one.null_max_abs_error)}"
        null += "" if one.null_count == one.count else f" (of {one.null_count})"
    return str(one.count), _percent(one.mean_abs_error), _percent(one.max_abs_error), null


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _lines(*lines: float | None) -> str:
    return "; ".join(f"{100 * line:g} %" for line in lines if line is not None)


if __name__ == "__main__":
    README.write_text(readme_with_table(README.read_text("utf-8")), "utf-8")
    MACHINE.write_text(machine_with_tables(MACHINE.read_text("utf-8")), "utf-8")
