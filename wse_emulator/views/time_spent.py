"""The picture of what takes the time: the slowest PE by phase, and busy cycles by kind of op."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wse_emulator.results.answers import (
    bottleneck,
    elapsed,
    evidence_words,
    no_step,
    phase_cycles,
    phase_words,
    step_time,
)
from wse_emulator.results.run import OpFacts, RunResult
from wse_emulator.results.words import cycles, share, short, significant
from wse_emulator.views.page import cycle_axis, empty_page, legend_above, new_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import LIGHT, Style
from wse_emulator.views.table import Table

QUESTION: Final = "What takes the time: which phase, which op?"
_MOST: Final = 12
_HATCH: Final = "////"


@view("time", question=QUESTION, place=20)
def figure_time_spent(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the phases of the slowest PE as one bar, and the costliest kinds of op as a ranking."""
    with style.applied():
        if not elapsed(result) or not result.ops:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        ops, left = ranked(result)
        page = new_page(
            style,
            question=QUESTION,
            answer=f"{step_time(result)} {bottleneck(result)}",
            note=f"{evidence_words(result)} Those sequences are hatched.{left}",
            height=2.1 + 0.22 * len(ops),
        )
        above, below = page.figure.subplots(2, 1, height_ratios=[0.55, 0.4 + 0.22 * len(ops)])
        _draw_phases(above, result, style)
        _draw_ops(below, ops, style)
        return page.figure


def ranked(result: RunResult) -> tuple[list[OpFacts], str]:
    """The costliest kinds of op, and a note on those left out."""
    ops = sorted(result.ops, key=lambda op: -op.pe_cycles)
    shown, rest = ops[:_MOST], ops[_MOST:]
    if not rest:
        return shown, ""
    whole = sum(op.pe_cycles for op in ops) or 1
    part = sum(op.pe_cycles for op in rest) / whole
    return shown, f" Left out: {len(rest)} more kinds, {share(part)} of the busy cycles."


@data_of("time")
def time_spent_table(result: RunResult) -> Table:
    """The busy cycles of all PEs for every kind of op."""
    rows = [
        (op.phase, op.name, op.count, op.pe_cycles, op.counted_pe_cycles, op.unsourced_pe_cycles)
        for op in result.ops
    ]
    columns = ("phase", "op", "count", "pe_cycles", "counted_pe_cycles", "unsourced_pe_cycles")
    return Table(columns, tuple(rows))


def _draw_phases(axes: Axes, result: RunResult, style: Style) -> None:
    spent = phase_cycles(result.critical_path)
    left = 0
    for phase, count in spent.items():
        axes.barh(0, count, 0.6, left=left, color=style.phase(phase), lw=0)
        left += count
    axes.set_yticks([0], labels=["slowest PE"])
    axes.set_ylim(0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    cycle_axis(axes, result.wafer.clock_hz, max(left, elapsed(result)))
    handles = [
        Patch(facecolor=style.phase(phase), label=f"{phase_words(phase)}: {cycles(count)}")
        for phase, count in spent.items()
    ]
    legend_above(axes, handles, columns=2)


def _draw_ops(axes: Axes, ops: list[OpFacts], style: Style) -> None:
    whole = sum(op.pe_cycles for op in ops) or 1
    scale, unit = _unit(max(op.pe_cycles for op in ops))
    lines = range(len(ops))
    colours = [style.phase(op.phase) for op in ops]
    axes.barh(lines, [op.pe_cycles / scale for op in ops], 0.66, color=colours, lw=0)
    axes.barh(
        lines,
        [op.unsourced_pe_cycles / scale for op in ops],
        0.66,
        facecolor="none",
        edgecolor=style.paper,
        hatch=_HATCH,
        linewidth=0,
    )
    labels = [f"{short(op.name, 28)} ({op.phase})  {share(op.pe_cycles / whole)}" for op in ops]
    axes.set_yticks(lines, labels=labels)
    axes.set_ylim(len(ops) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"busy cycles over all PEs{unit}")
    axes.xaxis.set_major_formatter(lambda value, _: significant(value) if value else "0")


def _unit(most: int) -> tuple[float, str]:
    for scale, word in ((1e9, ", billions"), (1e6, ", millions"), (1e3, ", thousands")):
        if most >= 10 * scale:
            return scale, word
    return 1.0, ""
