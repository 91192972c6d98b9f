"""The picture of how busy PEs, links and SRAM are over the step."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from wse_emulator.results.answers import busy, elapsed, no_step
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import plural, significant
from wse_emulator.views.page import cycle_axis, empty_page, new_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import BLUE, LIGHT, ORANGE, VERMILION, Style
from wse_emulator.views.table import Table
from wse_emulator.wafer.arrays import FloatArray
from wse_emulator.wafer.region import mesh_links

QUESTION: Final = "How busy are PEs, links and SRAM while the step runs?"


@view("utilization", question=QUESTION, place=30)
def figure_utilization(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw three curves over the step, each a share of the whole wafer in percent."""
    with style.applied():
        last = elapsed(result)
        if not last or not result.arrays.busy_pes.size:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        width = result.arrays.bin_cycles
        page = new_page(
            style,
            question=QUESTION,
            answer=busy(result),
            note=f"Each point is the mean over {plural(width, 'cycle')}. The scale of links "
            "follows the data; the other two always end at 100 %.",
            height=4.6,
        )
        edges = bin_edges(result)
        panels = page.figure.subplots(3, 1, sharex=True)
        for axes, (name, percent, colour) in zip(panels, _curves(result), strict=True):
            axes.stairs(percent, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(percent, edges, color=colour, linewidth=1.1)
            axes.set_ylabel(name)
            axes.grid(axis="y", linewidth=0.5)
            axes.set_axisbelow(True)
            top = float(percent.max()) if name.startswith("links") else 100.0
            axes.set_ylim(0, top * 1.05 or 1.0)
            axes.yaxis.set_major_locator(
                MaxNLocator(3) if top != 100.0 else FixedLocator([0, 50, 100])
            )
            axes.yaxis.set_major_formatter(FuncFormatter(_percent))
            if not percent.any():
                axes.set_yticks([0])
        cycle_axis(panels[-1], result.wafer.clock_hz, last)
        return page.figure


def bin_edges(result: RunResult) -> FloatArray:
    """The cycle at which each bin begins, and the end of the last."""
    bins, width = result.arrays.busy_pes.size, result.arrays.bin_cycles
    edges = np.arange(bins + 1, dtype=np.float64) * width
    edges[-1] = max(min(edges[-1], float(elapsed(result))), edges[-2] + 1e-9)
    return edges


def resident_bytes(result: RunResult) -> int:
    """The bytes of all PEs that stay from step to step."""
    held = result.memory.bytes
    return sum(bytes_ for name, bytes_ in held.items() if name not in ("temporaries", "total"))


def sram_share(result: RunResult) -> FloatArray:
    """The share of all SRAM that is in use over time, as a fraction: what stays, and
    temporaries."""
    whole = result.wafer.pes * result.memory.capacity_bytes
    return (resident_bytes(result) + result.arrays.temporary_bytes) / whole


@data_of("utilization")
def utilization_table(result: RunResult) -> Table:
    """The three series as shares of the whole wafer, by the first cycle of each bin."""
    pes, links, sram = (percent / 100 for _, percent, _ in _curves(result))
    starts = np.arange(result.arrays.busy_pes.size) * result.arrays.bin_cycles
    rows = zip(starts.tolist(), pes.tolist(), links.tolist(), sram.tolist(), strict=True)
    return Table(("cycle", "busy_pes", "busy_links", "sram_used"), tuple(rows))


def _curves(result: RunResult) -> tuple[tuple[str, FloatArray, str], ...]:
    arrays = result.arrays
    return (
        ("PEs busy", 100 * arrays.busy_pes / result.wafer.pes, BLUE),
        (
            "links busy",
            100 * arrays.busy_links / max(mesh_links(result.wafer.rows, result.wafer.cols), 1),
            ORANGE,
        ),
        ("SRAM in use", 100 * sram_share(result), VERMILION),
    )


def _percent(value: float, _: int) -> str:
    return f"{significant(value, 2) if 0 < value < 1 else f'{value:g}'} %"
