"""What ``wse compare`` prints."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from wse_emulator.results.compare import (
    OF_A_STEP,
    Comparison,
    Total,
    after_words,
    before_words,
    change_in_words,
)
from wse_emulator.results.words import short, significant, without_common_prefix
from wse_emulator.terminal.say import file_written, say, show, table

_TENSORS = 12


def print_comparison(comparison: Comparison, written: list[Path]) -> None:
    """Print what was compared and what differs, then the tables, then the files written."""
    say(before_words(comparison), after_words(comparison), change_in_words(comparison))
    show(_settings(comparison), _totals(comparison), _tensors(comparison))
    say(*map(file_written, written))


def _settings(comparison: Comparison) -> Table:
    shown = table("Configured otherwise", "what", "before", "after")
    for setting in comparison.settings:
        shown.add_row(setting.name, setting.before, setting.after)
    return shown


def _totals(comparison: Comparison) -> Table:
    shown = table("In total", "what", "before", "after", "after / before")
    for total in comparison.totals:
        ratio = "" if total.ratio is None else f"{total.ratio:.4g}"
        unit = f" ({total.unit})" if total.unit else ""
        sides = (_number(total, side, comparison.timed[side]) for side in (0, 1))
        shown.add_row(f"{total.name}{unit}", *sides, ratio)
    return shown


def _number(total: Total, side: int, timed: bool) -> str:
    value = total.after if side else total.before
    if total.name in OF_A_STEP and not timed:
        return "not timed"
    return f"{value:,.0f}" if value == int(value) else significant(value, 4)


def _tensors(comparison: Comparison) -> Table:
    moved = [t for t in comparison.tensors if t.before_cycles != t.after_cycles]
    moved.sort(key=lambda t: -abs(t.after_cycles - t.before_cycles))
    shown = table(
        f"Tensors that take another time, {min(len(moved), _TENSORS)} of {len(moved)}",
        "tensor",
        "before (cycles)",
        "after (cycles)",
        "change",
    )
    names = without_common_prefix([tensor.name for tensor in moved[:_TENSORS]])
    for name, tensor in zip(names, moved, strict=False):
        change = tensor.after_cycles - tensor.before_cycles
        row = (f"{tensor.before_cycles:,}", f"{tensor.after_cycles:,}", f"{change:+,}")
        shown.add_row(short(name, 40), *row)
    return shown
