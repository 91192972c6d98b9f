"""Bar charts and curves for any numbers, with a limit drawn where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from wse_emulator.results.words import short
from wse_emulator.views.page import legend_above, new_page
from wse_emulator.views.style import BLUE, GREEN, LIGHT, ORANGE, PURPLE, SKY, Style

COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_HATCHES: Final = ("", "//", "..", "xx", "--")  # what tells bars apart in a grey print
_MARKERS: Final = ("o", "s", "^", "D", "v")


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A value that must not be exceeded, and its name."""

    value: float
    name: str


def figure_bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    question: str,
    answer: str,
    unit: str,
    stacked: bool = False,
    logarithmic: bool = False,
    limit: LimitLine | None = None,
    note: str = "",
    style: Style = LIGHT,
) -> Figure:
    """Draw horizontal bars, the first label at the top.

    Args:
        labels: one for each group of bars.
        series: name -> one value for each label.
        unit: label of the axis of values, with its unit.
        stacked: one bar for each label, with the series end to end; else a bar for each series.
    """
    with style.applied():
        across = 1 if stacked else len(series)
        page = new_page(
            style,
            question=question,
            answer=answer,
            note=note,
            height=0.9 + len(labels) * (0.14 + 0.2 * across),
        )
        axes = page.figure.subplots()
        places = np.arange(len(labels), dtype=np.float64)
        thick = 0.8 / across
        begun = np.zeros(len(labels))
        handles: list[Artist] = []
        for number, (name, values) in enumerate(series.items()):
            colour, hatch = COLOURS[number % 5], _HATCHES[number % 5]
            shift = 0.0 if stacked else (number - (across - 1) / 2) * thick
            axes.barh(
                places + shift,
                values,
                thick,
                left=begun if stacked else None,
                color=colour,
                hatch=hatch,
                edgecolor=style.paper,
                linewidth=0.4,
            )
            if stacked:
                begun += np.asarray(values)
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor=style.paper, label=name))
        if limit is not None:
            handles.append(_limit_line(limit, style))
            axes.axvline(limit.value, color=style.accent, linestyle="--", linewidth=1.4)
        axes.set_yticks(places, [short(label, 34) for label in labels])
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        if logarithmic:
            axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.grid(axis="x", linewidth=0.5)
        axes.set_axisbelow(True)
        if len(handles) > 1:
            legend_above(axes, handles, columns=5)
        return page.figure


def figure_curves(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    question: str,
    answer: str,
    x_unit: str,
    unit: str,
    limit: LimitLine | None = None,
    logarithmic: bool = False,
    note: str = "",
    style: Style = LIGHT,
) -> Figure:
    """Draw curves over one axis, with their points marked if there are few.

    ``logarithmic`` is for both axes.
    """
    with style.applied():
        page = new_page(style, question=question, answer=answer, note=note, height=3.4)
        axes = page.figure.subplots()
        handles: list[Artist] = []
        for number, (name, values) in enumerate(series.items()):
            (line,) = axes.plot(
                x,
                values,
                color=COLOURS[number % 5],
                marker=_MARKERS[number % 5] if len(x) <= 40 else "",
                markersize=4,
                linewidth=1.4,
                label=name,
            )
            handles.append(line)
        if limit is not None:
            handles.append(_limit_line(limit, style))
            axes.axhline(limit.value, color=style.accent, linestyle="--", linewidth=1.4)
        axes.set_xlabel(x_unit)
        axes.set_ylabel(unit)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.grid(linewidth=0.5)
        axes.set_axisbelow(True)
        if len(handles) > 1:
            legend_above(axes, handles, columns=5)
        return page.figure


def _limit_line(limit: LimitLine, style: Style) -> Line2D:
    return Line2D([], [], color=style.accent, linestyle="--", linewidth=1.4, label=limit.name)
