"""What ``wse check`` prints."""

from __future__ import annotations

from wse_emulator.results.check import CheckReport
from wse_emulator.terminal.say import say, show, table


def print_verdict(report: CheckReport) -> None:
    """Legal or not in a sentence, then each violation with its remedy."""
    if report.legal:
        say(f"Legal: {report.optimizer} keeps all static-state rules over {report.steps} steps.")
        return
    say(
        f"Not legal: {report.optimizer} has {len(report.violations)} "
        f"violation{'s' if len(report.violations) > 1 else ''} of the static-state rules."
    )
    headings = ("rule", "what", "remedy")
    rows = table("", *headings, words=headings)
    rows.show_lines = True
    for column in rows.columns[1:]:
        column.ratio = 2
    for violation in report.violations:
        rows.add_row(violation.rule, violation.message, violation.remedy)
    show(rows)
