"""What ``wse explain`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.results.answers import phase_cycles, phase_words
from wse_emulator.results.explain import Explanation, costliest_limit
from wse_emulator.results.run import CriticalPart
from wse_emulator.results.words import cycles, seconds, share, short

STRETCHES_SHOWN: Final = 10


def print_explanation(explanation: Explanation) -> None:
    console = Console(soft_wrap=False)
    total = explanation.cycles
    row, col = explanation.critical.pe
    spent = phase_cycles(explanation.critical.parts)
    by_phase = ", ".join(
        f"{phase_words(phase)} {share(count / total)}" for phase, count in spent.items() if count
    )
    words = [
        f"{short(explanation.model, 40)} with {short(explanation.optimizer, 30)} on "
        f"{explanation.request.wafer.name}: one step takes {cycles(total)} = "
        f"{seconds(explanation.seconds)}.",
        f"The last PE to finish is row {row} column {col}: {by_phase or 'it has nothing to do'}.",
        costliest_limit(explanation),
    ]
    for paragraph in words:
        console.print(paragraph, highlight=False, markup=False)
    for table in (_path_table(explanation.critical.parts, total), _effects_table(explanation)):
        console.print()
        console.print(table)


def _path_table(parts: Sequence[CriticalPart], total: int) -> Table:
    """The longest stretches of the critical PE's time, in order of time."""
    table = Table(
        title="The critical path", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False
    )
    for heading in ("from", "to", "cycles", "share", "phase", "what"):
        table.add_column(
            heading, justify="left" if heading in ("phase", "what") else "right", overflow="fold"
        )
    ranked = sorted(parts, key=lambda part: part.start_cycle - part.end_cycle)
    for part in sorted(ranked[:STRETCHES_SHOWN], key=lambda part: part.start_cycle):
        length = part.end_cycle - part.start_cycle
        table.add_row(
            f"{part.start_cycle:,}",
            f"{part.end_cycle:,}",
            f"{length:,}",
            share(length / total),
            part.phase,
            Text(short(part.what, 40)),
        )
    rest = ranked[STRETCHES_SHOWN:]
    if rest:
        left = sum(part.end_cycle - part.start_cycle for part in rest)
        table.caption = f"{len(rest)} shorter left out, {cycles(left)}; all are in the JSON"
        table.caption_justify = "left"
    return table


def _effects_table(explanation: Explanation) -> Table:
    total = explanation.cycles
    table = Table(
        title="The same step with each limit lifted in turn",
        caption="Limits overlap, so the savings do not sum. Each line is an emulation of its own.",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
    )
    for heading in ("lifted", "cycles", "saved", "share"):
        table.add_column(heading, justify="left" if heading == "lifted" else "right")
    table.add_row("nothing", f"{total:,}", "", "")
    for effect in explanation.effects:
        saved = f"{effect.saved_cycles:,}" if effect.binds else "as it is"
        part = share(effect.saved_share) if effect.binds else ""
        table.add_row(effect.limit.name, f"{effect.cycles:,}", saved, part)
    least = explanation.all_lifted_cycles
    table.add_section()
    table.add_row(
        "all at once",
        f"{least:,}",
        f"{total - least:,}",
        share((total - least) / total) if total else "",
    )
    return table
