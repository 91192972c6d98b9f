"""The picture of the step over time: a row for each layer, a colour for each phase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from wse_emulator.results.answers import about, bottleneck, elapsed, no_step, step_time
from wse_emulator.results.run import RunResult, TensorFacts
from wse_emulator.results.words import plural, rate_text, short, without_common_prefix
from wse_emulator.views.page import cycle_axis, empty_page, legend_above, new_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import LIGHT, Style
from wse_emulator.views.table import Table

QUESTION: Final = "Where does the time go, and what waits for what?"
_MOST_ROWS: Final = 56  # a row of 8 pt text each, on a page that a screen still shows
_TENSOR_ROWS: Final = 32  # up to here every tensor has a row of its own
_ROW_INCHES: Final = 0.15
_NOTCHED: Final = 0.01  # share of the step from which on a tensor's start is marked


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the chart: its name and its tensors."""

    name: str
    tensors: tuple[TensorFacts, ...]


@view("timeline", question=QUESTION, place=10)
def figure_timeline(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the last step of ``result`` over its cycles, with the critical path marked."""
    with style.applied():
        last = elapsed(result)
        if not last:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        rows, note = timeline_rows(result)
        rates = _rates(result)
        lines = len(rows) + 2
        page = new_page(
            style,
            question=QUESTION,
            answer=f"{about(result)}. {step_time(result)} {bottleneck(result)}",
            note=note,
            height=lines * _ROW_INCHES + 1.0 + (0.8 if rates else 0.0),
        )
        if rates:
            grid = page.figure.add_gridspec(2, 1, height_ratios=[0.6, lines * _ROW_INCHES])
            above = page.figure.add_subplot(grid[0])
            _draw_rate(above, result, rates, style)
            chart = page.figure.add_subplot(grid[1], sharex=above)
            above.tick_params(labelbottom=False)
        else:
            chart = page.figure.add_subplot()
        _draw_rows(chart, result, rows, style)
        cycle_axis(chart, result.wafer.clock_hz, last)
        return page.figure


def timeline_rows(result: RunResult) -> tuple[list[Row], str]:
    """The rows of the chart, and a note on what is grouped or left out."""
    active = [t for t in result.tensors if t.start_cycle >= 0]
    idle = len(result.tensors) - len(active)
    left_out = f" {plural(idle, 'tensor')} without ops left out." if idle else ""
    if len(active) <= _TENSOR_ROWS:
        names = without_common_prefix([t.name for t in active])
        rows = [Row(n, (t,)) for n, t in zip(names, active, strict=True)]
        return rows, f"One row for each tensor.{left_out}"
    layers: dict[str, list[TensorFacts]] = {}
    for tensor in active:
        layers.setdefault(tensor.layer, []).append(tensor)
    names = without_common_prefix(list(layers))
    groups = list(layers.values())
    each = -(-len(groups) // _MOST_ROWS)
    rows = []
    for first in range(0, len(groups), each):
        group = groups[first : first + each]
        name = names[first]
        if len(group) > 1:
            name = f"{short(name, 12)} to {short(names[first + len(group) - 1], 12)}"
        rows.append(Row(name, tuple(t for layer in group for t in layer)))
    what = "One row for each layer" if each == 1 else f"One row for {each} neighbouring layers"
    return rows, (
        f"{what}: {plural(len(active), 'tensor')}, drawn from the first PE's start to the last "
        f"PE's end; a notch marks where a tensor begins on its first PE.{left_out}"
    )


@data_of("timeline")
def timeline_table(result: RunResult) -> Table:
    """The start and the end of every tensor and of the controller's work, in cycles."""
    rows = [
        (t.layer, t.name, t.start_cycle, t.end_cycle, t.ops, t.pe_cycles) for t in result.tensors
    ]
    columns = ("layer", "tensor", "start_cycle", "end_cycle", "ops", "pe_cycles")
    return Table(columns, tuple(rows))


def _draw_rows(axes: Axes, result: RunResult, rows: list[Row], style: Style) -> None:
    critical = {part.what for part in result.critical_path}
    bars: dict[str, list[Rectangle]] = {}

    def bar(line: float, start: int, end: int, phase: str, height: float) -> None:
        box = Rectangle((start, line - height / 2), max(end - start, 1), height)
        bars.setdefault(phase, []).append(box)

    controller = list(_controller_spans(result))
    first = ["controller", "slowest PE"] if controller else ["slowest PE"]
    for start, end in controller:
        bar(0, start, end, "schedule", 0.72)
    for part in result.critical_path:
        bar(len(first) - 1, part.start_cycle, part.end_cycle, part.phase, 0.72)
    outlined: list[Rectangle] = []
    notches: list[tuple[int, int]] = []
    for line, row in enumerate(rows, start=len(first)):
        begin = min(t.start_cycle for t in row.tensors)
        for message in _waits(result, begin):
            bar(line, message, begin, "broadcast", 0.24)
        for tensor in row.tensors:
            bar(line, tensor.start_cycle, tensor.end_cycle, "update", 0.72)
            if tensor.end_cycle - tensor.start_cycle > _NOTCHED * elapsed(result):
                notches.append((tensor.start_cycle, line))
            if tensor.name in critical:
                width = max(tensor.end_cycle - tensor.start_cycle, 1)
                outlined.append(Rectangle((tensor.start_cycle, line - 0.42), width, 0.84))
    for phase, boxes in bars.items():
        axes.add_collection(PatchCollection(boxes, facecolor=style.phase(phase), linewidth=0))
    if notches:
        starts, lines = zip(*notches, strict=True)
        edges = [line - 0.36 for line in lines], [line + 0.36 for line in lines]
        axes.vlines(starts, *edges, color=style.paper, linewidth=1.0)
    if outlined:
        axes.add_collection(
            PatchCollection(outlined, facecolor="none", edgecolor=style.accent, linewidth=0.9)
        )
    labels = [*first, *(short(row.name, 30) for row in rows)]
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels=labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.5)
    axes.set_axisbelow(True)
    _legend(axes, style, set(bars), marked=bool(outlined))


def _legend(axes: Axes, style: Style, phases: set[str], *, marked: bool) -> None:
    known = {
        "schedule": "learning rate computed",
        "broadcast": "broadcast on its way",
        "update": "update",
        "wait": "waiting",
    }
    order = [*known, *sorted(phases - known.keys())]
    handles = [
        Patch(facecolor=style.phase(phase), label=known.get(phase, phase))
        for phase in order
        if phase in phases
    ]
    if marked:
        handles.append(
            Patch(facecolor="none", edgecolor=style.accent, label="on the critical path")
        )
    legend_above(axes, handles)


def _controller_spans(result: RunResult) -> Iterable[tuple[int, int]]:
    arrays = result.arrays
    own = (arrays.op_tensor < 0) & (arrays.op_start >= 0)
    return zip(arrays.op_start[own].tolist(), arrays.op_end[own].tolist(), strict=True)


def _waits(result: RunResult, begin: int) -> list[int]:
    """The start of the broadcast that ``begin`` waited for, if there is one."""
    starts = [
        m.start_cycle for m in result.messages if m.kind == "multicast" and m.start_cycle < begin
    ]
    return [max(starts)] if starts else []


def _rates(result: RunResult) -> tuple[float, ...]:
    """The learning rate of this step; before it that of the step before, if it differs."""
    known = [step.learning_rate for step in result.steps[-2:]]
    return tuple(dict.fromkeys(value for value in known if value is not None))


def _draw_rate(axes: Axes, result: RunResult, rates: tuple[float, ...], style: Style) -> None:
    """Draw which learning rate PEs hold: the former one until the controller's message arrives."""
    last, after = elapsed(result), rates[-1]
    message = next((m for m in result.messages if m.tensor < 0 and m.kind == "multicast"), None)
    arrives = 0 if message is None else message.end_cycle
    if message is not None:
        leaves = message.start_cycle
        axes.axvspan(leaves, arrives, color=style.phase("broadcast"), alpha=0.3, lw=0)
        if len(rates) > 1:
            before = rates[0]
            axes.plot([0, leaves, arrives], [before, before, after], color=style.ink, lw=1.3)
    axes.plot([arrives, last], [after, after], color=style.ink, lw=1.3)
    axes.set_ylabel("learning\nrate")
    axes.set_yticks(sorted(rates), labels=[rate_text(value) for value in sorted(rates)])
    margin = 0.3 * (max(rates) - min(rates)) or abs(after) or 1.0
    axes.set_ylim(min(rates) - margin, max(rates) + margin)
    axes.margins(x=0)
