"""What ``wse check`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from wse_emulator.errors import StaticRuleError
from wse_emulator.results.check import CheckReport, check_note, rules_verdict, verdict_on_part
from wse_emulator.terminal.say import say, show, table


def print_verdict(report: CheckReport) -> None:
    """Legal or not in a sentence, then each violation with its remedy; each optimizer of several.

    What else there is to know follows.
    """
    say(rules_verdict(report))
    for part in report.parts:
        say(verdict_on_part(part))
        _print_violations(part.violations)
    if not report.parts:
        _print_violations(report.violations)
    for number in range(len(report.notes)):
        say(check_note(report, number))


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
