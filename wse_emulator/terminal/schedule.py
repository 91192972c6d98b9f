"""What ``wse schedule`` prints: a table of some steps, or every step as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wse_emulator.results.schedule import LearningRates
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import plural
from wse_emulator.terminal.say import say, show, table

_TABLE_ROWS = 24

_MARKED_ROWS = 12


def _columns(schedules: list[LearningRates]) -> dict[str, NDArray[np.float32]]:
    """Column title -> rates; titles carry the file when there are two."""
    columns: dict[str, NDArray[np.float32]] = {}
    for number, rates in enumerate(schedules, start=1):
        file = Path(rates.source).name
        for group in rates.groups:
            title = "learning_rate" if len(rates.groups) == 1 else group.name
            if len(schedules) > 1:
                title = file if len(rates.groups) == 1 else f"{file}:{group.name}"
            if title in columns:
                title = f"{title} ({number})"
            columns[title] = group.learning_rate
    return columns


def _shown_steps(schedules: list[LearningRates]) -> dict[int, bool]:
    """Steps of the table, evenly spread, and whether each is a milestone."""
    last = max(rates.steps for rates in schedules) - 1
    marked = sorted({m for rates in schedules for group in rates.groups for m in group.milestones})
    spread = np.unique(np.linspace(0, last, _TABLE_ROWS).round().astype(int)).tolist()
    kept = marked[:_MARKED_ROWS]
    return {step: step in marked for step in sorted({*spread, *kept})}


def print_rates(schedules: list[LearningRates]) -> None:
    """Print how many steps there are, the rates of some of them, and what was not used."""
    say(*map(steps_words, schedules))
    columns = _columns(schedules)
    shown = table("", "step", *columns, "", words=("",), unbroken=("step",))
    for step, milestone in _shown_steps(schedules).items():
        rates = (f"{one[step]:.6g}" if step < one.size else "-" for one in columns.values())
        shown.add_row(f"{step:,}", *rates, "milestone" if milestone else "")
    show(shown)
    say(*map(schedule_left_out, schedules), apart=True)


@sentence
def steps_words(rates: LearningRates) -> str:
    """Which config it is, and of how many steps the rates are."""
    return f"{rates.source}: {plural(rates.steps, 'step')}"


@sentence
def schedule_left_out(rates: LearningRates) -> str:
    """What of a config's learning rate no schedule takes; empty if all is used."""
    if not rates.ignored:
        return ""
    return f"{rates.source}: not used by the schedule: {', '.join(rates.ignored)}"


def csv_text(schedules: list[LearningRates]) -> str:
    columns = _columns(schedules)
    last = max(rates.size for rates in columns.values())
    quoted = (f'"{t}"' if "," in t or '"' in t else t for t in columns)
    header = ",".join(["step", *quoted])
    # 9 significant digits are enough to read every float32 back exactly
    texts = [np.char.mod("%.9g", rates).tolist() for rates in columns.values()]
    padded = [text + [""] * (last - len(text)) for text in texts]
    rows = (",".join(row) for row in zip(map(str, range(last)), *padded, strict=True))
    return "\n".join([header, *rows]) + "\n"
