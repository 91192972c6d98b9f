"""What ``wse preflight`` prints."""

from __future__ import annotations

from wse_emulator.results.answers import config_left_out
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.words import cycles, seconds, short
from wse_emulator.terminal.say import say, show, table

UNUSED_TOLD = 6

_COLUMNS = ("question", "answer", "words")
"""The page prints no headings."""


def print_page(page: Preflight) -> None:
    """Print the verdict, a line for each question, what to change, and what was not used."""
    say(
        f"{short(page.model, 40)} with {short(page.optimizer or 'no optimizer', 30)} on "
        f"{page.wafer}",
        page.verdict,
    )
    lines = table("", *_COLUMNS, words=_COLUMNS, unbroken=_COLUMNS[:2])
    lines.show_header = False
    for row in _rows(page):
        lines.add_row(*row)
    show(lines)
    say("\nWhat to change:" if page.changes else "\nNothing has to change.")
    say(*(f"{number}. {change}." for number, change in enumerate(page.changes, start=1)))
    if page.unused:
        say(config_left_out(page.unused, UNUSED_TOLD))


def _rows(page: Preflight) -> list[tuple[str, str, str]]:
    """The lines of the page, each as (question, answer, words)."""
    rows = [("legal", *_legal(page)), ("fits", *_fits(page))]
    batch = page.submit
    if batch is None and page.fit is not None and page.fit.batch is not None:
        rows.append(("submit", "-", "do not submit it as asked; what to change is below"))
    if batch is not None:
        length = f", {batch.sequence_length:,} tokens each" if batch.sequence_length else ""
        rows.append(
            (
                "submit",
                "",
                f"batch {batch.batch_size:,}, micro-batch {batch.micro_batch:,}, recomputation "
                f"{batch.recompute}{length}",
            )
        )
    rows += [
        ("schedule", "look" if course.remarks else "yes", course.words) for course in page.schedules
    ]
    if not page.schedules:
        rows.append(("schedule", "-", "not known"))
    return [*rows, ("step time", *_time(page))]


def _legal(page: Preflight) -> tuple[str, str]:
    if page.legal is None:
        return "-", "not known: the step could not be built"
    if page.legal:
        return "yes", "the step keeps all static-state rules"
    return "NO", "; ".join(violation.message for violation in page.violations[:3])


def _fits(page: Preflight) -> tuple[str, str]:
    fit = page.fit
    if fit is None:
        return "-", "not known"
    reason = f" Mode: {fit.mode}, since {fit.mode_reason}." if fit.mode_reason else ""
    counted = "" if fit.activations_counted else " No batch is given: activations do not count."
    return "yes" if fit.fits else "NO", f"{fit.verdict}{reason}{counted}"


def _time(page: Preflight) -> tuple[str, str]:
    time = page.time
    if time is None:
        return "-", "not known"
    low, high = time.interval
    taken = seconds(time.seconds) if time.cycles is None else cycles(time.cycles)
    if time.cycles is None or high is None:
        return "", f"at least {taken}: {time.words}"
    between = f", between {seconds(low)} and {seconds(high)}" if 0 < low < high else ""
    return "", f"{taken} = {seconds(time.seconds)}{between}: {time.words}"
