"""The picture of all PEs in order: how many are near the limit, and which is worst."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wse_emulator.results.answers import elapsed, worst_pes
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import full_bytes, share, short
from wse_emulator.views.page import new_page, thousands
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import BLUE, LIGHT, ORANGE, Style
from wse_emulator.views.table import Table
from wse_emulator.wafer.arrays import FloatArray, IntArray

QUESTION: Final = "How many PEs are near the limit, and which are worst?"
_POINTS: Final = 1001
_NEAR: Final = 0.95
_PERCENTILES: Final = (0, 1, 5, 25, 50, 75, 95, 99, 100)


@view("pe-curve", question=QUESTION, place=80)
def figure_pe_curve(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the peak SRAM and the busy cycles of all PEs, the largest first."""
    with style.applied():
        last = elapsed(result)
        page = new_page(
            style,
            question=QUESTION,
            answer=_answer(result),
            note=_worst(result),
            height=4.6 if last else 2.8,
        )
        panels = page.figure.subplots(2 if last else 1, 1, sharex=True, squeeze=False)[:, 0]
        capacity = result.memory.capacity_bytes
        _curve(panels[0], result.arrays.sram_peak / 1024, BLUE)
        panels[0].set_ylabel("peak SRAM, KiB")
        top = max(capacity, int(result.arrays.sram_peak.max())) / 1024
        panels[0].set_ylim(0, top * 1.12)
        _limit(panels[0], capacity / 1024, f"capacity {capacity / 1024:g} KiB", style)
        if last:
            _curve(panels[1], result.arrays.pe_busy.astype(np.float64), ORANGE)
            panels[1].set_ylabel("busy cycles")
            panels[1].set_ylim(0, last * 1.12)
            _limit(panels[1], last, "the whole step", style)
            thousands(panels[1], "y", 4)
        panels[-1].set_xlim(0, 100)
        panels[-1].set_xlabel("share of PEs in percent, each curve sorted from its highest PE")
        return page.figure


@data_of("pe-curve")
def pe_curve_table(result: RunResult) -> Table:
    """The percentiles of peak SRAM and busy cycles over all PEs."""
    sram = _percentiles(result.arrays.sram_peak)
    busy = _percentiles(result.arrays.pe_busy)
    rows = zip(_PERCENTILES, sram, busy, strict=True)
    return Table(("percentile", "sram_peak_bytes", "busy_cycles"), tuple(rows))


def _percentiles(field: IntArray) -> list[int]:
    values = np.percentile(field, _PERCENTILES, method="inverted_cdf")
    return [int(value) for value in values]


def _curve(axes: Axes, field: FloatArray, colour: str) -> None:
    ordered = np.sort(field.ravel())[::-1]
    # first and last PE of each of the points that a picture can show; the extremes always
    at = np.unique(np.linspace(0, ordered.size - 1, _POINTS).round().astype(np.int64))
    edges = 100 * np.append(at, ordered.size) / ordered.size
    axes.stairs(ordered[at], edges, fill=True, color=colour, alpha=0.35)
    axes.stairs(ordered[at], edges, color=colour, linewidth=1.2)
    axes.grid(axis="y", linewidth=0.5)
    axes.set_axisbelow(True)


def _limit(axes: Axes, value: float, name: str, style: Style) -> None:
    axes.axhline(value, color=style.accent, linewidth=1.3, linestyle="--", label=name)
    axes.legend(loc="lower left", frameon=True)


def _answer(result: RunResult) -> str:
    peak, capacity = result.arrays.sram_peak, result.memory.capacity_bytes
    near = np.count_nonzero(peak > _NEAR * capacity) / peak.size
    over = np.count_nonzero(peak > capacity) / peak.size
    mean = float(peak.mean()) or 1.0
    text = (
        f"{share(float(near))} of the PEs use more than {share(_NEAR)} of their "
        f"{full_bytes(capacity)}; the fullest holds {peak.max() / mean:.3f} times the mean."
    )
    return text + (f" {share(float(over))} are beyond capacity." if over else "")


def _worst(result: RunResult) -> str:
    items = [f"{short(n, 20)} ({r}, {c}) {full_bytes(b)}" for n, r, c, b, _ in worst_pes(result)]
    return f"Fullest PE (row, column) of the fullest layers: {'; '.join(items)}."
