"""What ``wse check`` prints."""

from __future__ import annotations

from wse_emulator.results.check import CheckReport, rules_verdict
from wse_emulator.terminal.say import say, show, table


def print_verdict(report: CheckReport) -> None:
    """Legal or not in a sentence, then each violation with its remedy."""
    say(rules_verdict(report))
    if report.legal:
        return
    headings = ("rule", "what", "remedy")
    rows = table("", *headings, words=headings)
    rows.show_lines = True
    for column in rows.columns[1:]:
        column.ratio = 2
    for violation in report.violations:
        rows.add_row(violation.rule, violation.message, violation.remedy)
    show(rows)
