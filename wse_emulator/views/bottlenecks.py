"""The picture of what limits a step: how many cycles would be saved if a limit were lifted."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wse_emulator.results.answers import in_both_forms, no_step
from wse_emulator.results.explain import Effect, Explanation, costliest_limit
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import cycles, share
from wse_emulator.views.page import cycle_axis, empty_page, legend_above, new_page
from wse_emulator.views.registry import drawn_aside
from wse_emulator.views.style import BLUE, GREEN, LIGHT, ORANGE, PURPLE, Style
from wse_emulator.views.table import Table

NAME: Final = "bottlenecks"
QUESTION: Final = "What limits the step: compute, memory port, fabric or latency?"
drawn_aside(NAME, QUESTION)

_COLOURS: Final = {"compute": BLUE, "memory port": ORANGE, "fabric": GREEN, "latency": PURPLE}
_KINDS: Final = {kind: kind for kind in _COLOURS} | {"unknown": "ranges of costs"}
_HATCH: Final = "////"


def figure_bottlenecks(
    result: RunResult, explanation: Explanation | None, style: Style = LIGHT
) -> Figure:
    """Draw what lifting each limit would save, and lifting all at once, against the whole step.

    Args:
        explanation: the effects on the result's step; None for a result without a step.
    """
    with style.applied():
        if explanation is None or not explanation.cycles:
            return empty_page(style, question=QUESTION, answer=no_step(result))
    return figure_limits(explanation, style)


def figure_limits(explanation: Explanation, style: Style = LIGHT) -> Figure:
    """Draw what lifting each limit of a step with a time would save, and lifting all at once."""
    with style.applied():
        page = new_page(
            style,
            question=QUESTION,
            answer=f"The step takes {cycles(explanation.cycles)}"
            f"{in_both_forms(explanation.forms)}. {costliest_limit(explanation)}",
            note="Each bar is an emulation of its own, with that limit alone lifted. Limits "
            "overlap (an instruction waits for lanes or for a port, whichever is slower), so the "
            "savings do not add up. No limit here: the machine has the least already.",
            height=1.3 + 0.24 * (len(explanation.effects) + 1),
        )
        _draw(page.figure.subplots(), explanation, style)
        return page.figure


def bottlenecks_table(explanation: Explanation | None) -> Table:
    """The step with each limit lifted, a row for each limit; no row if there is no step."""
    columns = ("limit", "kind", "binds", "cycles", "saved_cycles", "saved_share")
    if explanation is None:
        return Table(columns, ())
    total, least = explanation.cycles, explanation.all_lifted_cycles
    share_of_all = (total - least) / total if total else 0.0
    rows = [
        (e.limit.name, e.limit.kind, int(e.binds), e.cycles, e.saved_cycles, e.saved_share)
        for e in explanation.effects
    ]
    every = ("all at once", "", 1, least, total - least, share_of_all)
    return Table(columns, (*rows, every))


def _draw(axes: Axes, explanation: Explanation, style: Style) -> None:
    effects, total = explanation.effects, explanation.cycles
    saved_by_all = total - explanation.all_lifted_cycles
    for line, effect in enumerate(effects):
        doubt = effect.limit.kind == "unknown"
        axes.barh(
            line,
            effect.saved_cycles,
            0.66,
            color=_colour(effect.limit.kind, style),
            hatch=_HATCH if doubt else None,
            edgecolor=style.paper,
            linewidth=0,
        )
    axes.barh(len(effects) + 0.3, saved_by_all, 0.66, color=style.ink, alpha=0.6, lw=0)
    axes.axhline(len(effects) - 0.35, color=style.grid, linewidth=0.8)
    axes.set_yticks(
        [*range(len(effects)), len(effects) + 0.3],
        labels=[
            *(_label(effect) for effect in effects),
            f"all at once  {cycles(saved_by_all)}, {share(saved_by_all / total)}",
        ],
    )
    axes.set_ylim(len(effects) + 0.8, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.axvline(total, color=style.accent, linestyle="--", linewidth=1.4)
    cycle_axis(axes, explanation.request.wafer.clock_hz, total * 1.01, "cycles saved")
    axes.grid(axis="x", linewidth=0.5)
    axes.set_axisbelow(True)
    costly = {effect.limit.kind for effect in effects if effect.saved_cycles}
    handles = [
        Patch(
            facecolor=_colour(kind, style),
            edgecolor=style.paper,
            hatch=_HATCH if kind == "unknown" else None,
            label=_KINDS[kind],
        )
        for kind in _KINDS
        if kind in costly
    ]
    step = Line2D([], [], color=style.accent, linestyle="--", linewidth=1.4, label="the whole step")
    legend_above(axes, [*handles, step])


def _colour(kind: str, style: Style) -> str:
    return _COLOURS.get(kind, style.faint)


def _label(effect: Effect) -> str:
    if not effect.binds:
        return f"{effect.limit.name}  no limit here"
    if not effect.saved_cycles:
        return f"{effect.limit.name}  0"
    return f"{effect.limit.name}  {cycles(effect.saved_cycles)}, {share(effect.saved_share)}"
