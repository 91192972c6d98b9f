"""What ``wse explain`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from wse_emulator.results.explain import (
    Explanation,
    costliest_limit,
    explained_time,
    last_pe,
    limits_overlap,
    stretches_left_out,
)
from wse_emulator.results.run import CriticalPart
from wse_emulator.results.words import share, short
from wse_emulator.terminal.say import say, show, table

STRETCHES_SHOWN: Final = 10


def print_explanation(explanation: Explanation) -> None:
    """Print what limits the step, then its critical path, then what lifting each limit saves."""
    total = explanation.cycles
    say(explained_time(explanation), last_pe(explanation), costliest_limit(explanation))
    show(_path_table(explanation.critical.parts, total), _effects_table(explanation))


def _path_table(parts: Sequence[CriticalPart], total: int) -> Table:
    """The longest stretches of the critical PE's time, in the order in which they happen."""
    ranked = sorted(parts, key=lambda part: part.start_cycle - part.end_cycle)
    rest = ranked[STRETCHES_SHOWN:]
    left = sum(part.end_cycle - part.start_cycle for part in rest)
    caption = stretches_left_out(len(rest), left)
    headings = ("from", "to", "cycles", "share", "phase", "what")
    shown = table("The critical path", *headings, words=("phase", "what"), caption=caption)
    for part in sorted(ranked[:STRETCHES_SHOWN], key=lambda part: part.start_cycle):
        length = part.end_cycle - part.start_cycle
        shown.add_row(
            f"{part.start_cycle:,}",
            f"{part.end_cycle:,}",
            f"{length:,}",
            share(length / total),
            part.phase,
            short(part.what, 40),
        )
    return shown


def _effects_table(explanation: Explanation) -> Table:
    total = explanation.cycles
    shown = table(
        "The same step with each limit lifted in turn",
        "lifted",
        "cycles",
        "saved",
        "share",
        caption=limits_overlap(explanation),
    )
    shown.add_row("nothing", f"{total:,}", "", "")
    for effect in explanation.effects:
        saved = f"{effect.saved_cycles:,}" if effect.binds else "no limit here"
        part = share(effect.saved_share) if effect.binds else ""
        shown.add_row(effect.limit.name, f"{effect.cycles:,}", saved, part)
    least = explanation.all_lifted_cycles
    shown.add_section()
    shown.add_row(
        "all at once",
        f"{least:,}",
        f"{total - least:,}",
        share((total - least) / total) if total else "",
    )
    return shown
