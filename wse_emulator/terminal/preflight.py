"""What ``wse preflight`` prints."""

from __future__ import annotations

from wse_emulator.results.answers import config_left_out
from wse_emulator.results.fit_answers import UNUSED_TOLD
from wse_emulator.results.preflight import (
    Preflight,
    change_number,
    changes_heading,
    course_words,
    legal_words,
    memory_words,
    not_timed,
    page_heading,
    ready,
    submit_words,
    time_words,
    unknown_words,
)
from wse_emulator.results.sentences import Sentence
from wse_emulator.terminal.say import say, show, table

_COLUMNS = ("question", "answer", "words")
"""The page prints no headings."""


def print_page(page: Preflight) -> None:
    """Print the verdict, a line for each question, what to change, and what was not used."""
    say(page_heading(page), ready(page))
    lines = table("", *_COLUMNS, words=_COLUMNS, unbroken=_COLUMNS[:2])
    lines.show_header = False
    for row in page_rows(page):
        lines.add_row(*row)
    show(lines)
    say(changes_heading(page), apart=True)
    say(*(change_number(number, change) for number, change in enumerate(page.changes, start=1)))
    say(config_left_out(page.unused, UNUSED_TOLD))


def page_rows(page: Preflight) -> list[tuple[str, str, Sentence]]:
    """The lines of the page, each as (question, answer, words)."""
    fit, time = page.fit, page.time
    legal = {None: "-", True: "yes", False: "NO"}[page.legal]
    rows = [("legal", legal, legal_words(page))]
    if fit is None:
        rows.append(("fits", "-", unknown_words(page)))
    else:
        rows.append(("fits", "yes" if fit.fits else "NO", memory_words(fit)))
        if fit.batch is not None:
            rows.append(("submit", "" if page.submit else "-", submit_words(page.submit)))
    rows += [
        ("schedule", "look" if course.remarks else "yes", course_words(course))
        for course in page.schedules
    ]
    if not page.schedules:
        rows.append(("schedule", "-", unknown_words(page)))
    if time is None:
        rows.append(("step time", "-", not_timed(page)))
    else:
        rows.append(("step time", "", time_words(time)))
    return rows
