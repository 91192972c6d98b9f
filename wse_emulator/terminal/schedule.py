"""What ``wse schedule`` prints: a table of some steps, or every step as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wse_emulator.results.schedule import LearningRates

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


def table_lines(schedules: list[LearningRates]) -> Iterator[str]:
    for rates in schedules:
        yield f"{rates.source}: {rates.steps:,} step{'' if rates.steps == 1 else 's'}"
    columns = _columns(schedules)
    widths = {title: max(len(title), 12) for title in columns}
    yield "  ".join(["step".rjust(12), *(title.rjust(widths[title]) for title in columns)])
    for step, milestone in _shown_steps(schedules).items():
        cells = [
            (f"{rates[step]:.6g}" if step < rates.size else "-").rjust(widths[title])
            for title, rates in columns.items()
        ]
        mark = "  milestone" if milestone else ""
        yield "  ".join([f"{step:,}".rjust(12), *cells]) + mark
    for rates in schedules:
        if rates.ignored:
            yield f"{rates.source}: not used by the schedule: {', '.join(rates.ignored)}"


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
