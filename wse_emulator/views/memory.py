"""The picture of what fills the memory: of the fullest PE, with levers, and of the whole wafer."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from wse_emulator.results.answers import advice, best_levers, timed, verdict
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import full_bytes, share, short, size
from wse_emulator.views.page import byte_axis, legend_above, new_page
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import LIGHT, MEMORY, Style
from wse_emulator.views.table import Table

QUESTION: Final = "What fills the memory, and how far is the fullest PE from its limit?"


@view("memory", question=QUESTION, place=60)
def figure_memory(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the fullest and the mean PE as stacked bars, and totals over the wafer."""
    with style.applied():
        totals = _present(result.memory.bytes)
        page = new_page(
            style,
            question=QUESTION,
            answer=f"{verdict(result)} {_largest(result)} {advice(result)}".strip(),
            note="Temporaries are those of the step's largest moment. Reserved: code and "
            "communication buffers." + _activations(result),
            height=2.9 + 0.24 * len(totals) + 0.4 * len(best_levers(result)),
        )
        bars, table = page.figure.subplots(
            2,
            1,
            height_ratios=[
                1.35 + 0.4 * len(best_levers(result)),
                0.5 + 0.24 * max(len(totals), 1),
            ],
        )
        _draw_pes(bars, result, style)
        _draw_totals(table, totals, style)
        return page.figure


@data_of("memory")
def memory_table(result: RunResult) -> Table:
    """The bytes of each category, over all PEs and in the fullest PE."""
    memory = result.memory
    names = dict.fromkeys((*_present(memory.bytes), *_present(memory.worst_pe_bytes)))
    rows = [(n, memory.bytes.get(n, 0), memory.worst_pe_bytes.get(n, 0)) for n in names]
    return Table(("category", "wafer_bytes", "fullest_pe_bytes"), tuple(rows))


def _draw_pes(axes: Axes, result: RunResult, style: Style) -> None:
    memory = result.memory
    worst = _present(memory.worst_pe_bytes)
    totals = _present(memory.bytes)
    # the mean PE is scaled to the mean of the peaks, which counts each PE's own temporaries
    scale = memory.mean_bytes / sum(totals.values()) if sum(totals.values()) else 0.0
    mean = {name: value * scale for name, value in totals.items()}
    left = [0.0, 0.0]
    for name in dict.fromkeys((*worst, *mean)):
        for line, held in enumerate((worst.get(name, 0), mean.get(name, 0.0))):
            axes.barh(line, held / 1024, 0.6, left=left[line], color=style.memory(name), lw=0)
            left[line] += held / 1024
    levers = best_levers(result)
    for line, lever in enumerate(levers, start=2):
        rest = max(memory.peak_bytes - lever.saves_bytes, 0) / 1024
        axes.barh(
            line, rest, 0.6, facecolor="none", edgecolor=style.ink, hatch="////", linewidth=0.8
        )
        left.append(rest)
    capacity = memory.capacity_bytes / 1024
    axes.axvline(capacity, color=style.accent, linewidth=1.6, linestyle="--")
    row, col = memory.worst_pe
    labels = [
        f"fullest PE (row {row}, column {col})  {full_bytes(memory.peak_bytes)}",
        f"mean PE  {full_bytes(memory.mean_bytes)}",
    ]
    labels += [
        f"with {short(lever.what, 34)}{' (fits)' if lever.fits else ''}  "
        f"{full_bytes(max(memory.peak_bytes - lever.saves_bytes, 0))}"
        for lever in levers
    ]
    axes.set_yticks(range(len(labels)), labels=labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, max(capacity, *left) * 1.04)
    axes.set_xlabel("KiB in one PE")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.tick_params(axis="y", length=0)
    handles = [
        Patch(facecolor=style.memory(name), label=_words(name))
        for name in dict.fromkeys((*worst, *mean))
    ]
    limit = Line2D([], [], color=style.accent, linestyle="--", label=f"capacity {capacity:g} KiB")
    legend_above(axes, [*handles, limit], columns=4)


def _draw_totals(axes: Axes, totals: dict[str, int], style: Style) -> None:
    whole = sum(totals.values()) or 1
    names = sorted(totals, key=lambda name: -totals[name])
    axes.barh(
        range(len(names)), [totals[n] for n in names], 0.62, color=[style.memory(n) for n in names]
    )
    labels = [f"{_words(n)}  {size(totals[n])}, {share(totals[n] / whole)}" for n in names]
    axes.set_yticks(range(len(names)), labels=labels)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    byte_axis(axes, "x", max(totals.values(), default=1), "over all PEs")


def _largest(result: RunResult) -> str:
    held = _present(result.memory.worst_pe_bytes)
    if not held:
        return "It holds nothing."
    name = max(held, key=lambda n: held[n])
    return f"Most of it is {_words(name)}, {share(held[name] / sum(held.values()))}."


def _activations(result: RunResult) -> str:
    counted = result.memory.bytes.get("activations", 0) > 0
    return "" if counted else f" {timed(result)}"


def _present(held: dict[str, int]) -> dict[str, int]:
    order = [*MEMORY, *(name for name in held if name not in MEMORY)]
    return {n: held[n] for n in order if n != "total" and held.get(n, 0) > 0}


def _words(name: str) -> str:
    return name.replace("_", " ")
