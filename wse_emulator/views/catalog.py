"""All views of a result by name: what draws each, and the data beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure

from wse_emulator.errors import UnknownNameError, nearest
from wse_emulator.results.run import RunResult
from wse_emulator.views import (
    bottlenecks,
    learning_rate,
    link_map,
    memory,
    memory_over_step,
    pe_curve,
    replay,
    time_spent,
    timeline,
    utilization,
    wafer_map,
)
from wse_emulator.views.style import Style
from wse_emulator.views.table import Table


@dataclass(frozen=True, slots=True)
class View:
    """A picture of a result.

    Attributes:
        name: what ``wse plot --view`` calls it; also its file name.
        question: the question it answers, which is its title.
        figure: draws it in a style.
        table: the data drawn; None where ``run.npz`` holds it (whole-wafer maps).
    """

    name: str
    question: str
    figure: Callable[[RunResult, Style], Figure]
    table: Callable[[RunResult], Table] | None


def rate_table(result: RunResult) -> Table:
    """The learning-rate curve, step by step."""
    arrays = result.arrays
    rows = zip(arrays.rate_step.tolist(), arrays.rate_value.tolist(), strict=True)
    return Table(("step", "learning_rate"), tuple(rows))


def _views(*views: View) -> Mapping[str, View]:
    return {view.name: view for view in views}


VIEWS: Final = _views(
    View("timeline", timeline.QUESTION, timeline.figure_timeline, timeline.timeline_table),
    View("time", time_spent.QUESTION, time_spent.figure_time_spent, time_spent.time_spent_table),
    View(
        "utilization",
        utilization.QUESTION,
        utilization.figure_utilization,
        utilization.utilization_table,
    ),
    View("wafer", wafer_map.QUESTION, wafer_map.figure_wafer, None),
    View("links", link_map.QUESTION, link_map.figure_links, link_map.link_table),
    View("memory", memory.QUESTION, memory.figure_memory, memory.memory_table),
    View(
        "memory-over-step",
        memory_over_step.QUESTION,
        memory_over_step.figure_memory_over_step,
        memory_over_step.memory_over_step_table,
    ),
    View("pe-curve", pe_curve.QUESTION, pe_curve.figure_pe_curve, pe_curve.pe_curve_table),
    View(
        "learning-rate",
        learning_rate.QUESTION,
        learning_rate.figure_run_learning_rate,
        rate_table,
    ),
)
"""View name -> view, in the order of the report."""


QUESTIONS: Final[Mapping[str, str]] = {
    **{view.name: view.question for view in VIEWS.values()},
    bottlenecks.NAME: bottlenecks.QUESTION,
    replay.REPLAY: f"{replay.QUESTION} (an animation, GIF or MP4)",
}
"""Everything that ``wse plot`` draws -> the question it answers. The last two are no part of the
report: one emulates the step again, the other moves."""


def check_view_name(name: str) -> None:
    """See that ``wse plot`` draws a view of this name.

    Raises:
        UnknownNameError: it does not; names the nearest.
    """
    if name not in QUESTIONS:
        close = nearest(name, QUESTIONS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UnknownNameError(
            f"no view is called {name!r}{hint}; there are: {', '.join(QUESTIONS)}"
        )
