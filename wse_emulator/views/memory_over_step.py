"""Memory over the step: what stays, temporaries on top, the slowest tensors marked."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wse_emulator.results.run_result import RunResult, TensorFacts
from wse_emulator.views.answers import elapsed, no_step
from wse_emulator.views.page import byte_axis, cycle_axis, empty_page, legend_above, new_page
from wse_emulator.views.style import LIGHT, Style
from wse_emulator.views.table import Table
from wse_emulator.views.utilization import bin_edges, resident_bytes
from wse_emulator.views.words import cycles, plural, share, short, size, without_common_prefix

QUESTION: Final = "When is the memory peak, and who makes it?"
_SLOWEST: Final = 6


def figure_memory_over_step(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw bytes over all PEs against the cycle; the slowest tensors as bars below."""
    with style.applied():
        last, temporaries = elapsed(result), result.arrays.temporary_bytes
        if not last or not temporaries.size:
            return empty_page(style, question=QUESTION, answer=no_step(result))
        stays = resident_bytes(result)
        peak = int(temporaries.argmax())
        at = peak * result.arrays.bin_cycles
        slow = slowest(result)
        page = new_page(
            style,
            question=QUESTION,
            answer=f"{size(stays)} stay throughout. Temporaries add at most "
            f"{size(float(temporaries[peak]))} over the wafer, "
            f"{share(temporaries[peak] / (stays or 1))} of that, first at cycle "
            f"{at:,}.{_who(result, at)}",
            note=_note(result, len(slow)),
            height=2.6 + 0.22 * len(slow),
        )
        above, below = page.figure.subplots(
            2, 1, sharex=True, height_ratios=[2.2, 0.3 + 0.22 * len(slow)]
        )
        edges = bin_edges(result)
        floor = stays
        above.fill_between([0, last], floor, color=style.memory("weights"), alpha=0.5, lw=0)
        above.stairs(
            floor + temporaries,
            edges,
            baseline=floor,
            fill=True,
            color=style.memory("temporaries"),
        )
        above.set_ylim(0, (floor + float(temporaries.max())) * 1.08 or 1)
        byte_axis(above, "y", floor + float(temporaries.max()), "all PEs")
        above.grid(axis="y", linewidth=0.5)
        stay = Patch(facecolor=style.memory("weights"), alpha=0.5, label="stays")
        comes = Patch(facecolor=style.memory("temporaries"), label="temporaries")
        legend_above(above, [stay, comes])
        spans = [(t.start_cycle, max(t.end_cycle - t.start_cycle, 1)) for t in slow]
        for line, span in enumerate(spans):
            below.broken_barh([span], (line - 0.32, 0.64), color=style.phase("update"))
        names = without_common_prefix([t.name for t in slow])
        spans_words = [cycles(t.end_cycle - t.start_cycle) for t in slow]
        labels = [f"{short(n, 36)}  {s}" for n, s in zip(names, spans_words, strict=True)]
        below.set_yticks(range(len(slow)), labels=labels)
        below.set_ylim(len(slow) - 0.4, -0.6)
        below.tick_params(axis="y", length=0)
        cycle_axis(below, result.wafer.clock_hz, last)
        return page.figure


def slowest(result: RunResult, count: int = _SLOWEST) -> list[TensorFacts]:
    """Tensors with the longest span from first start to last end, longest first."""
    ran = [t for t in result.tensors if t.start_cycle >= 0]
    return sorted(ran, key=lambda t: t.start_cycle - t.end_cycle)[:count]


def memory_over_step_table(result: RunResult) -> Table:
    """Bytes over all PEs by the first cycle of each bin."""
    temporaries = result.arrays.temporary_bytes
    starts = np.arange(temporaries.size) * result.arrays.bin_cycles
    stays = resident_bytes(result)
    rows = [(c, stays, t) for c, t in zip(starts.tolist(), temporaries.tolist(), strict=True)]
    return Table(("cycle", "resident_bytes", "temporary_bytes"), tuple(rows))


def _note(result: RunResult, shown: int) -> str:
    if shown == len(result.tensors):
        return "Below: every tensor, from first start to last end."
    return (
        f"Below: of {plural(len(result.tensors), 'tensor')} the {shown} that take longest, from "
        "first start to last end."
    )


def _who(result: RunResult, cycle: int) -> str:
    """The tensors at work at ``cycle``."""
    end = cycle + result.arrays.bin_cycles
    running = [t for t in result.tensors if 0 <= t.start_cycle < end and t.end_cycle > cycle]
    if not running:
        return ""
    most = max(running, key=lambda t: t.pe_cycles)
    others = f" and {len(running) - 1:,} others" if len(running) > 1 else ""
    return f" Then at work: {short(most.name, 40)}{others}."
