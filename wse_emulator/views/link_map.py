"""The picture of traffic on links: a map for each direction, all on one scale."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from wse_emulator.results.answers import elapsed, no_step
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import DIRECTIONS, plural, share
from wse_emulator.views.blocks import block_size, block_words, reduce_blocks
from wse_emulator.views.page import empty_page, new_page, thousands
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import LIGHT, SMALL, Style
from wse_emulator.views.table import Table
from wse_emulator.views.wafer_map import PERCENT, field_map, map_height
from wse_emulator.wafer.arrays import FloatArray, IntArray
from wse_emulator.wafer.region import PLANES

QUESTION: Final = "Which links carry the traffic?"
_CELLS: Final = 340  # three maps beside each other: fewer pixels each
_FLOOR_PERCENT: Final = 1e-3
_THIN: Final = 0.02  # share of a map's width under which a line is hard to see


@view("links", question=QUESTION, place=50)
def figure_links(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw how much of the step the link that leaves each PE is booked, for each direction."""
    with style.applied():
        last = elapsed(result)
        if not last:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        if not result.arrays.link_busy.any():
            return empty_page(style, question=QUESTION, answer=_answer(result, last))
        rows, cols = result.wafer.rows, result.wafer.cols
        side = block_size(rows, cols, _CELLS)
        page = new_page(
            style,
            question=QUESTION,
            answer=_answer(result, last),
            note=f"Cells show {block_words(side, 'max')}; empty where no wavelet passes. The "
            f"scale is the same in all runs, {_FLOOR_PERCENT} to 100 % of the step's cycles, "
            "logarithmic, because most links carry little.",
            height=2 * map_height(rows, cols, 3) - 1.2,
        )
        panels = page.figure.subplots(2, 3)
        norm = LogNorm(_FLOOR_PERCENT, 100, clip=True)
        image = None
        for axes, plane, load in zip(panels.flat, PLANES, result.arrays.link_busy, strict=False):
            percent = 100 * reduce_blocks(load, side, "max") / last
            image = axes.imshow(
                np.ma.masked_equal(percent, 0),
                cmap=field_map(),
                norm=norm,
                interpolation="nearest",
                extent=(0, percent.shape[1] * side, percent.shape[0] * side, 0),
                aspect="auto",
            )
            axes.set_xlim(0, cols)
            axes.set_ylim(rows, 0)
            axes.set_title(f"{DIRECTIONS[plane]}: {share(load.max() / last)} at most", loc="left")
            _say_where(axes, load, style)
            thousands(axes, "x", 4)
            thousands(axes, "y", 4)
            axes.spines[:].set_visible(True)
        panels[1, 0].set_xlabel("column")
        panels[1, 0].set_ylabel("row")
        panels[1, 2].set_axis_off()
        assert image is not None
        bar = page.figure.colorbar(image, ax=panels[1, 2], location="top", fraction=0.9, aspect=12)
        bar.ax.xaxis.set_major_formatter(PERCENT)
        bar.ax.xaxis.set_ticks([1e-3, 1e-1, 1e1], minor=False)
        bar.ax.minorticks_off()
        bar.set_label("booked share of the step")
        return page.figure


def _say_where(axes: Axes, load: IntArray, style: Style) -> None:
    """Write on a map that would look empty: no traffic, or traffic in lines too thin to see."""
    used_rows, used_cols = load.any(axis=1), load.any(axis=0)
    words = "no traffic"
    if load.any():
        thin = min(used_rows.sum() / used_rows.size, used_cols.sum() / used_cols.size)
        if thin > _THIN:
            return
        across = used_cols.sum() / used_cols.size <= used_rows.sum() / used_rows.size
        kind, lines = ("column", used_cols) if across else ("row", used_rows)
        numbers = np.flatnonzero(lines)
        words = (
            f"only in {kind} {numbers[0]:,}"
            if numbers.size == 1
            else f"only in {plural(numbers.size, kind)}, the first {numbers[0]:,}"
        )
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=SMALL,
        color=style.ink,
    )  # fmt: skip


@data_of("links")
def link_table(result: RunResult) -> Table:
    """For each direction: how many links carry something, cycles booked, the busiest link."""
    rows: list[tuple[str, int, int, int, int, int]] = []
    for plane, load in zip(PLANES, result.arrays.link_busy, strict=True):
        row, col = np.unravel_index(int(load.argmax()), load.shape)
        used = int(np.count_nonzero(load))
        rows.append((plane, used, int(load.sum()), int(load.max()), int(row), int(col)))
    columns = ("direction", "links_used", "booked_cycles", "most_cycles", "most_row", "most_col")
    return Table(columns, tuple(rows))


def _answer(result: RunResult, last: int) -> str:
    loads: FloatArray = result.arrays.link_busy[:4].astype(np.float64)
    if not loads.any():
        return "No wavelet crosses a link in this step."
    plane, row, col = np.unravel_index(int(loads.argmax()), loads.shape)
    used = np.count_nonzero(loads) / loads.size
    way = DIRECTIONS[PLANES[int(plane)]]
    return (
        f"The busiest link leaves the PE at row {row}, column {col} {way} "
        f"and is booked {share(float(loads.max()) / last)} of the step; "
        f"{share(float(used))} of all links carry anything at all."
    )
