"""The picture of the wafer: where work and memory lie, on the same scales in every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from wse_emulator.results.answers import about, busy, elapsed, verdict
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import short, without_common_prefix
from wse_emulator.views.blocks import block_size, block_words, reduce_blocks
from wse_emulator.views.page import new_page, thousands
from wse_emulator.views.registry import view
from wse_emulator.views.style import FIELD_MAP, LIGHT, SMALL, VERMILION, Style
from wse_emulator.views.text import text_width
from wse_emulator.wafer.arrays import FloatArray

QUESTION: Final = "Where on the wafer is the pressure?"
_CELLS: Final = 520  # cells a side: about the pixels one panel has
_SLENDER: Final = 4.0  # wafers longer than this are not drawn to scale


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A quantity over the wafer, ready to draw.

    Attributes:
        values: of shape (rows, cols), or one for each block.
        side: how many rows and columns of PEs a cell stands for.
        title: the name of the quantity, and what a cell stands for.
        norm: the scale, which is the same in every run.
        unit: the unit of the colour bar.
    """

    values: FloatArray
    side: int
    title: str
    norm: Normalize
    unit: str


@view("wafer", question=QUESTION, place=40)
def figure_wafer(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the busy share and the SRAM of every PE, row 0 at the top and column 0 at the left."""
    with style.applied():
        rows, cols = result.wafer.rows, result.wafer.cols
        side = block_size(rows, cols, _CELLS)
        last = elapsed(result)
        fields = [_sram_field(result, side)]
        if last:
            fields.insert(0, _busy_field(result, side, last))
        names, note = _region_names(result)
        page = new_page(
            style,
            question=QUESTION,
            answer=f"{about(result)}. {verdict(result)} {busy(result) if last else ''}",
            note=note,
            height=map_height(rows, cols, len(fields)),
        )
        panels = page.figure.subplots(1, len(fields), squeeze=False)[0]
        for axes, field in zip(panels, fields, strict=True):
            draw_field(axes, field, rows, cols)
        page.figure.get_layout_engine().execute(page.figure)  # type: ignore[union-attr]  # set by new_page
        for axes in panels:
            axes.apply_aspect()  # drawing to scale narrows the panel the layout gave it
            draw_regions(axes, names)
        return page.figure


def map_height(rows: int, cols: int, across: int, width: float = 8.6) -> float:
    """The height in inches of ``across`` maps side by side, with their colour bars."""
    ratio = min(max(rows / cols, 1 / _SLENDER), _SLENDER)
    return min(max(width / max(across, 2) * 0.82 * ratio, 2.2), 6.2) + 1.2


def field_map() -> Colormap:
    """The colours of a field; values above the scale have a colour of their own."""
    return mpl.colormaps[FIELD_MAP].with_extremes(over=VERMILION, bad="#00000000")


def draw_field(axes: Axes, field: Field, rows: int, cols: int) -> None:
    """Draw a map with axes in PEs and a colour bar below."""
    height, width = field.values.shape
    to_scale = 1 / _SLENDER <= rows / cols <= _SLENDER
    image = axes.imshow(
        field.values,
        cmap=field_map(),
        norm=field.norm,
        interpolation="nearest",
        extent=(0, width * field.side, height * field.side, 0),
        aspect="equal" if to_scale else "auto",
    )
    axes.set_xlim(0, cols)
    axes.set_ylim(rows, 0)
    axes.set_title(field.title if to_scale else f"{field.title}, not to scale", loc="left")
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    thousands(axes, "x", 5)
    thousands(axes, "y", 6)
    axes.spines[:].set_visible(True)
    top = field.norm.vmax or 1.0
    over = bool(np.nanmax(field.values) > top)
    bar = axes.figure.colorbar(
        image,
        ax=axes,
        location="bottom",
        shrink=0.9,
        aspect=30,
        extend="max" if over else "neither",
    )
    bar.set_label(field.unit + (", red: beyond capacity" if over else ""))


def draw_regions(axes: Axes, names: list[tuple[str, tuple[int, int, int, int]]]) -> None:
    """Outline regions, and name those where the name fits. The layout must be known by then."""
    if len(names) > 400:
        return
    origin = axes.transData.transform((0, 0))
    unit = np.abs(axes.transData.transform((1, 1)) - origin)
    points = unit * 72 / axes.figure.dpi  # size of one PE on paper
    for name, (row, col, rows, cols) in names:
        if min(rows * points[1], cols * points[0]) < 5:
            continue
        box = Rectangle((col, row), cols, rows, fill=False, edgecolor="white", linewidth=0.6)
        axes.add_patch(box)
        # where "layers.31" has no room, "31" may have
        room = (n for n in _spellings(name) if text_width(n, SMALL) + 5 <= cols * points[0])
        shown = next(room, "")
        if shown and rows * points[1] >= SMALL * 1.6:
            label = axes.text(
                col + cols / 2,
                row + rows / 2,
                shown,
                ha="center",
                va="center",
                fontsize=SMALL,
                color="white",
                path_effects=[withStroke(linewidth=1.8, foreground="#101010")],
            )
            label.set_in_layout(False)


def _spellings(name: str) -> tuple[str, ...]:
    """The name of a region, and its number alone if the name ends in one."""
    number = name.rpartition(".")[2]
    return (name, number) if number.isdigit() else (name,)


def _region_names(
    result: RunResult,
) -> tuple[list[tuple[str, tuple[int, int, int, int]]], str]:
    """The names of the regions, several layers of which may share one, and a note on them."""
    shared: dict[tuple[int, int, int, int], list[str]] = {}
    plain = without_common_prefix([name for name, _ in result.layers])
    for name, (_, region) in zip(plain, result.layers, strict=True):
        shared.setdefault(region, []).append(name)
    names = [
        (short(group[0], 24) + (f" +{len(group) - 1}" if len(group) > 1 else ""), region)
        for region, group in shared.items()
    ]
    return names, "Outlined: the rectangle of each layer, named where the name has room."


def _busy_field(result: RunResult, side: int, last: int) -> Field:
    values = 100 * reduce_blocks(result.arrays.pe_busy, side, "mean") / last
    return Field(
        values=values,
        side=side,
        title=f"busy share of the step ({block_words(side, 'mean')})",
        norm=Normalize(0, 100),
        unit="% of the step's cycles",
    )


def _sram_field(result: RunResult, side: int) -> Field:
    kib = reduce_blocks(result.arrays.sram_peak, side, "max") / 1024
    capacity = result.memory.capacity_bytes / 1024
    return Field(
        values=kib,
        side=side,
        title=f"peak SRAM ({block_words(side, 'max')})",
        norm=Normalize(0, capacity),
        unit=f"KiB; the scale ends at the capacity of a PE, {capacity:g} KiB",
    )


def percent_ticks(value: float, _: int) -> str:
    """Label an axis with ``0.01 %`` instead of a power of ten."""
    return f"{value:g} %"


PERCENT: Final = FuncFormatter(percent_ticks)
