"""What ``wse check`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from wse_emulator.errors import StaticRuleError
from wse_emulator.results.check import CheckReport
from wse_emulator.terminal.say import say, show, table


def print_verdict(report: CheckReport) -> None:
    """Legal or not in a sentence, then each violation with its remedy; each optimizer of several.

    What else there is to know follows.
    """
    say(report.verdict)
    for part in report.parts:
        say(f"{part.of}: {part.verdict}")
        _print_violations(part.violations)
    if not report.parts:
        _print_violations(report.violations)
    for note in report.notes:
        say(note)


def _print_violations(violations: Sequence[StaticRuleError]) -> None:
    if not violations:
        return
    headings = ("rule", "what", "remedy")
    rows = table("", *headings, words=headings)
    rows.show_lines = True
    for column in rows.columns[1:]:
        column.ratio = 2
    for violation in violations:
        rows.add_row(violation.rule, violation.message, violation.remedy)
    show(rows)
