"""The picture of memory over the step, with the slowest tensors and ops as bars below it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wse_emulator.results.answers import elapsed, no_step
from wse_emulator.results.run import RunResult, TensorFacts
from wse_emulator.results.words import cycles, plural, share, short, size, without_common_prefix
from wse_emulator.views.page import byte_axis, cycle_axis, empty_page, legend_above, new_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import BLUE, LIGHT, ORANGE, Style
from wse_emulator.views.table import Table
from wse_emulator.views.utilization import bin_edges, resident_bytes

QUESTION: Final = "When is the memory peak, and who makes it?"
_SLOWEST: Final = 5
_NUMBER: Final = re.compile(r"\d+")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class SlowOp:
    """An op among those that take longest.

    Attributes:
        name: the op.
        tensor: the tensor it works on; empty for the controller.
        start_cycle, end_cycle: when the first PE starts it and the last PE ends it.
        cycles: its work on the PE with the most of it.
    """

    name: str
    tensor: str
    start_cycle: int
    end_cycle: int
    cycles: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A bar below the curve, from start to end; its colour distinguishes tensors and ops."""

    label: str
    start_cycle: int
    end_cycle: int
    colour: str


@view("memory-over-step", question=QUESTION, place=70)
def figure_memory_over_step(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the bytes of all PEs over the cycles, and the slowest tensors and ops as bars below."""
    with style.applied():
        last, temporaries = elapsed(result), result.arrays.temporary_bytes
        if not last or not temporaries.size:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        stays = resident_bytes(result)
        peak = int(temporaries.argmax())
        tensors = slowest(result)
        rows = _rows(tensors, slowest_ops(result))
        page = new_page(
            style,
            question=QUESTION,
            answer=_when(result, stays, peak),
            note=_note(result, len(tensors)),
            height=2.9 + 0.22 * len(rows),
        )
        above, below = page.figure.subplots(
            2, 1, sharex=True, height_ratios=[2.2, 0.3 + 0.22 * len(rows)]
        )
        _draw_bytes(above, result, stays, style)
        _draw_rows(below, rows)
        if temporaries[peak]:
            at = peak * result.arrays.bin_cycles
            for axes in (above, below):
                axes.axvline(at, color=style.ink, linestyle=":", linewidth=1.2)
        cycle_axis(below, result.wafer.clock_hz, last)
        return page.figure


def slowest(result: RunResult, count: int = _SLOWEST) -> list[TensorFacts]:
    """The tensors with the longest span from first start to last end, the longest first.

    Of tensors whose names differ only in a number, as those of equal layers, one is kept.
    """
    ran = [t for t in result.tensors if t.start_cycle >= 0]
    ran.sort(key=lambda t: t.start_cycle - t.end_cycle)
    return _unlike(ran, lambda t: t.name, count)


def slowest_ops(result: RunResult, count: int = _SLOWEST) -> list[SlowOp]:
    """The ops with the most work on one PE, the longest first; none if the result has no record.

    Of an op on tensors whose names differ only in a number, one is kept.
    """
    arrays = result.arrays
    ops = [
        SlowOp(
            result.op_names[i],
            "" if arrays.op_tensor[i] < 0 else result.tensors[arrays.op_tensor[i]].name,
            int(arrays.op_start[i]),
            int(arrays.op_end[i]),
            int(arrays.op_cycles[i]),
        )
        for i in np.argsort(-arrays.op_cycles, kind="stable").tolist()
        if arrays.op_cycles[i] and arrays.op_start[i] >= 0
    ]
    return _unlike(ops, lambda op: f"{op.name} {op.tensor}", count)


def _unlike(items: Iterable[_Item], name: Callable[[_Item], str], count: int) -> list[_Item]:
    """The first ``count`` items; of those whose names differ only in a number, one."""
    found: dict[str, _Item] = {}
    for item in items:
        found.setdefault(_NUMBER.sub("#", name(item)), item)
        if len(found) == count:
            break
    return list(found.values())


@data_of("memory-over-step")
def memory_over_step_table(result: RunResult) -> Table:
    """The bytes of all PEs in each bin of time, by the first cycle of the bin."""
    temporaries = result.arrays.temporary_bytes
    starts = np.arange(temporaries.size) * result.arrays.bin_cycles
    stays = resident_bytes(result)
    rows = [(c, stays, t) for c, t in zip(starts.tolist(), temporaries.tolist(), strict=True)]
    return Table(("cycle", "resident_bytes", "temporary_bytes"), tuple(rows))


def _rows(tensors: Sequence[TensorFacts], ops: Sequence[SlowOp]) -> list[_Row]:
    """The bars: tensors, then ops, each with its duration."""
    names = without_common_prefix(
        [t.name for t in tensors] + [op.tensor for op in ops if op.tensor]
    )
    on = iter(names[len(tensors) :])
    rows = [
        _Row(
            f"{short(name, 36)}  {cycles(t.end_cycle - t.start_cycle)}",
            t.start_cycle,
            t.end_cycle,
            BLUE,
        )
        for name, t in zip(names, tensors, strict=False)
    ]
    for op in ops:
        place = f"in {short(next(on), 26)}" if op.tensor else "on the controller"
        label = f"{short(op.name, 14)} {place}  {cycles(op.cycles)}"
        rows.append(_Row(label, op.start_cycle, op.end_cycle, ORANGE))
    return rows


def _draw_bytes(axes: Axes, result: RunResult, stays: int, style: Style) -> None:
    """Draw what stays, and temporaries on top of it."""
    temporaries = result.arrays.temporary_bytes
    most = stays + float(temporaries.max())
    resident = style.memory("weights")
    axes.fill_between([0, elapsed(result)], stays, color=resident, alpha=0.5, lw=0)
    axes.stairs(
        stays + temporaries,
        bin_edges(result),
        baseline=stays,
        fill=True,
        color=style.memory("temporaries"),
    )
    axes.set_ylim(0, most * 1.08 or 1)
    byte_axis(axes, "y", most, "all PEs")
    axes.grid(axis="y", linewidth=0.5)
    handles = [
        Patch(facecolor=resident, alpha=0.5, label="stays"),
        Patch(facecolor=style.memory("temporaries"), label="temporaries"),
        Line2D([], [], color=style.ink, linestyle=":", linewidth=1.2, label="peak"),
    ]
    legend_above(axes, handles if temporaries.any() else handles[:2])


def _draw_rows(axes: Axes, rows: Sequence[_Row]) -> None:
    for line, row in enumerate(rows):
        span = (row.start_cycle, max(row.end_cycle - row.start_cycle, 1))
        axes.broken_barh([span], (line - 0.32, 0.64), color=row.colour)
    axes.set_yticks(range(len(rows)), labels=[row.label for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    kinds = {BLUE: "slowest tensors", ORANGE: "slowest ops"}
    drawn = {row.colour for row in rows}
    handles = [Patch(facecolor=c, label=word) for c, word in kinds.items() if c in drawn]
    legend_above(axes, handles)


def _note(result: RunResult, tensors: int) -> str:
    if tensors == len(result.tensors):
        told = "Below: every tensor, from first start to last end."
    else:
        told = (
            f"Below: of {plural(len(result.tensors), 'tensor')} those that take longest, from "
            "first start to last end; where names differ in numbers alone, the slowest."
        )
    if not result.arrays.op_cycles.size:
        return f"{told} Single ops are not marked: this result holds no cycles of them; run again."
    return (
        f"{told} Of {plural(len(result.op_names), 'op')} likewise; the cycles of an op are its "
        "work on the PE that has most of it, its bar is all the time between its first start and "
        "its last end."
    )


def _when(result: RunResult, stays: int, peak: int) -> str:
    """The answer in words: how many bytes there are at most, when, and from which tensors."""
    most = float(result.arrays.temporary_bytes[peak])
    if not most:
        return f"{size(stays)} stay throughout; no op needs room for temporaries."
    at = peak * result.arrays.bin_cycles
    return (
        f"{size(stays)} stay throughout. Temporaries add at most {size(most)} over the wafer, "
        f"{share(most / (stays or 1))} of that, first at cycle {at:,}.{_who(result, at)}"
    )


def _who(result: RunResult, cycle: int) -> str:
    """The tensors that are worked on in ``cycle``."""
    end = cycle + result.arrays.bin_cycles
    running = [t for t in result.tensors if 0 <= t.start_cycle < end and t.end_cycle > cycle]
    if not running:
        return ""
    most = max(running, key=lambda t: t.pe_cycles)
    others = f" and {len(running) - 1:,} others" if len(running) > 1 else ""
    return f" Then at work: {short(most.name, 40)}{others}."
