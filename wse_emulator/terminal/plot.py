"""What ``wse plot --list`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from wse_emulator.terminal.say import show, table


def print_views(questions: Mapping[str, str]) -> None:
    """One row per view: its name and the question it answers."""
    headings = ("view", "question")
    rows = table("", *headings, words=headings, unbroken=headings[:1])
    for name, question in questions.items():
        rows.add_row(name, question)
    show(rows, opening=True)
