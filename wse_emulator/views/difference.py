"""The picture of two results: where the wafer does more or less, and which tensors changed."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from wse_emulator.results.compare import Comparison, TensorChange, change_in_words, compare
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import short, significant, without_common_prefix
from wse_emulator.views.blocks import block_size, block_words, reduce_blocks
from wse_emulator.views.page import new_page, thousands
from wse_emulator.views.style import BLUE, LIGHT, VERMILION, Style
from wse_emulator.views.wafer_map import map_height
from wse_emulator.wafer.arrays import FloatArray

QUESTION: Final = "Did the change help?"
_MOST: Final = 14
_CELLS: Final = 480
_DIFFERENCE_MAP: Final = "PuOr_r"  # purple to orange: told apart by colour-blind readers


def figure_difference(before: RunResult, after: RunResult, style: Style = LIGHT) -> Figure:
    """Draw maps of the difference, after minus before, and the tensors that changed most."""
    with style.applied():
        comparison = compare(before, after)
        changed, note = _most_changed(comparison)
        rows, cols = before.arrays.pe_busy.shape
        maps = map_height(rows, cols, 2) if comparison.same_wafer else 0.0
        bars = 0.7 + 0.22 * len(changed) if changed else 0.0
        page = new_page(
            style,
            question=QUESTION,
            answer=f"From {comparison.before} to {comparison.after}. {change_in_words(comparison)}",
            note=note,
            height=max(maps + bars, 0.2),
        )
        heights = [height for height in (maps, bars) if height]
        if not heights:
            page.figure.set_layout_engine("none")
            return page.figure
        grid = page.figure.add_gridspec(len(heights), 2, height_ratios=heights)
        if comparison.same_wafer:
            side = block_size(rows, cols, _CELLS)
            for place, (title, field) in enumerate(_fields(before, after, side)):
                axes = page.figure.add_subplot(grid[0, place])
                _draw_map(axes, field, side, title, (rows, cols))
        if changed:
            _draw_bars(page.figure.add_subplot(grid[-1, :]), changed)
        return page.figure


def _most_changed(comparison: Comparison) -> tuple[list[TensorChange], str]:
    moved = [t for t in comparison.tensors if t.after_cycles != t.before_cycles]
    moved.sort(key=lambda t: -abs(t.after_cycles - t.before_cycles))
    shown = moved[:_MOST]
    note = f"{len(moved):,} of {len(comparison.tensors):,} common tensors take another time"
    if len(moved) > len(shown):
        note += f"; the {len(shown)} that changed most are shown"
    single = len(comparison.only_before) + len(comparison.only_after)
    if single:
        note += f"; {single:,} tensors are in one result only"
    if not comparison.same_wafer:
        note += "; the wafers differ in size, so no maps"
    return shown, f"{note}."


def _fields(before: RunResult, after: RunResult, side: int) -> list[tuple[str, FloatArray]]:
    how = block_words(side, "mean")
    sram = after.arrays.sram_peak - before.arrays.sram_peak
    busy = after.arrays.pe_busy - before.arrays.pe_busy
    return [
        (f"busy cycles ({how})", reduce_blocks(busy, side, "mean")),
        (f"peak SRAM, bytes ({how})", reduce_blocks(sram, side, "mean")),
    ]


def _draw_map(axes: Axes, field: FloatArray, side: int, title: str, shape: tuple[int, int]) -> None:
    most = float(np.abs(field).max()) or 1.0
    image = axes.imshow(
        field,
        cmap=mpl.colormaps[_DIFFERENCE_MAP],
        norm=Normalize(-most, most),
        interpolation="nearest",
        extent=(0, field.shape[1] * side, field.shape[0] * side, 0),
        aspect="auto",
    )
    axes.set_ylim(shape[0], 0)
    axes.set_xlim(0, shape[1])
    axes.set_title(title, loc="left")
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    axes.spines[:].set_visible(True)
    thousands(axes, "x", 5)
    thousands(axes, "y", 5)
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", shrink=0.9, aspect=30)
    bar.set_ticks([-most, 0, most], labels=[f"-{significant(most)}", "0", f"+{significant(most)}"])
    bar.set_label("after less before")


def _draw_bars(axes: Axes, changed: list[TensorChange]) -> None:
    change = [t.after_cycles - t.before_cycles for t in changed]
    colours = [VERMILION if value > 0 else BLUE for value in change]
    axes.barh(range(len(changed)), change, 0.66, color=colours)
    names = without_common_prefix([t.name for t in changed])
    labels = [f"{short(name, 36)}  {value:+,}" for name, value in zip(names, change, strict=True)]
    axes.set_yticks(range(len(changed)), labels=labels)
    axes.set_ylim(len(changed) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, linewidth=0.8, color=axes.spines["left"].get_edgecolor())
    axes.set_xlabel("cycles from first start to last end, after less before")
    thousands(axes, "x", 5)
