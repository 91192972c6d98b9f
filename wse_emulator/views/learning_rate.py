"""The picture of learning rates over steps, on a linear and a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from wse_emulator.results.answers import rate_without_schedule
from wse_emulator.results.run import RunResult
from wse_emulator.results.schedule import ALL_GROUPS, GroupRates, LearningRates
from wse_emulator.results.words import plural, short
from wse_emulator.views.page import Page, empty_page, new_page, thousands
from wse_emulator.views.registry import data_of, view
from wse_emulator.views.style import (
    BLUE,
    GREEN,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILION,
    Style,
)
from wse_emulator.views.table import Table

QUESTION: Final = "What is the learning rate at each step?"
_COLOURS: Final = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
_DASHES: Final = ("-", "--", ":", "-.")
_BUCKETS: Final = 1500  # more points than a picture has columns show nothing more
_FEW_DECADES: Final = 1e3
_LEGEND_ROWS: Final = 12
_LABEL_GAP: Final = 0.09  # of the axis width: room of a step number at the smallest size
_NAME_CHARACTERS: Final = 34
_INCHES: Final = 5.4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    """One curve of the picture: rates over steps."""

    label: str
    steps: NDArray[np.int64]
    rates: NDArray[np.floating]
    colour: str
    dash: str


def figure_learning_rate(
    rates: LearningRates, compare: LearningRates | None = None, style: Style = LIGHT
) -> Figure:
    """Draw a schedule over its steps: every parameter group, with milestones marked.

    Args:
        rates: the schedule.
        compare: another schedule, drawn over it with other dashes.
        style: colours of the page.
    """
    schedules = [rates] if compare is None else [rates, compare]
    milestones = sorted({m for s in schedules for group in s.groups for m in group.milestones})
    curves = _curves(schedules)
    notes = [f"{PurePath(rates.source).name}."] if compare is None else []
    if milestones:
        notes.append("Dotted lines: milestones, where the schedule changes its formula or rate.")
    with style.applied():
        page = new_page(
            style,
            question=QUESTION,
            answer=" ".join(_answer(schedule, compare is not None) for schedule in schedules),
            note=_note(curves, notes),
            height=_INCHES,
        )
        _draw(page, curves, milestones, max(schedule.steps for schedule in schedules))
        return page.figure


@view("learning-rate", question=QUESTION, place=90)
def figure_run_learning_rate(result: RunResult, style: Style = LIGHT) -> Figure:
    """Draw the schedule of a run, and mark the steps that were simulated."""
    steps, rates = result.arrays.rate_step, result.arrays.rate_value
    simulated = [(s.step, s.learning_rate) for s in result.steps if s.learning_rate is not None]
    with style.applied():
        if not steps.size:
            return empty_page(style, question=QUESTION, answer=rate_without_schedule(result))
        top = int(rates.argmax())
        curves = [_Curve(label="", steps=steps, rates=rates, colour=BLUE, dash="-")]
        page = new_page(
            style,
            question=QUESTION,
            answer=(
                f"{result.scheduler or 'The schedule'}: from {rates[0]:.4g} at step"
                f" {steps[0]:,}, highest {rates[top]:.4g} at step {steps[top]:,},"
                f" {rates[-1]:.4g} at step {steps[-1]:,}."
            ),
            note=_note(curves, ["Circles: the steps of this run."] if simulated else []),
            height=_INCHES,
        )
        axes = _draw(page, curves, [], int(steps[-1]) + 1)
        for panel in axes if simulated else ():
            panel.plot(
                [step for step, _ in simulated],
                [value for _, value in simulated],
                linestyle="none",
                marker="o",
                markersize=6,
                markerfacecolor="none",
                color=style.accent,
                clip_on=False,
            )
        return page.figure


def _draw(
    page: Page, curves: Sequence[_Curve], milestones: list[int], steps: int
) -> tuple[Axes, Axes]:
    """Draw the curves on a linear axis and below it on a logarithmic one, over all steps."""
    linear, log = page.figure.subplots(2, 1, sharex=True)
    for axes in (linear, log):
        for curve in curves:
            axes.plot(
                curve.steps,
                curve.rates,
                color=curve.colour,
                linestyle=curve.dash,
                linewidth=1.5,
                marker="o" if curve.steps.size == 1 else None,
                label=curve.label,
            )
        for milestone in milestones:
            axes.axvline(
                milestone,
                color=page.style.ink,
                linewidth=0.8,
                linestyle=(0, (1, 2)),
                alpha=0.6,
            )
        axes.grid(visible=True, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlim(0, max(steps - 1, 1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    _label_milestones(linear, milestones, steps, page.style)
    linear.set_ylim(bottom=0)
    linear.set_ylabel("learning rate")
    _log_axis(log, curves)
    log.set_ylabel("learning rate (log)")
    log.set_xlabel("optimizer step")
    thousands(log, "x")
    if len(curves) > 1:
        columns = 1 + (min(len(curves), _LEGEND_ROWS) - 1) // 4
        linear.legend(*_legend(linear), ncols=columns, frameon=True)
    return linear, log


def _curves(schedules: Sequence[LearningRates]) -> list[_Curve]:
    """Make a curve for each group; colours distinguish groups, or schedules with one group each."""
    several_groups = any(len(schedule.groups) > 1 for schedule in schedules)
    found = []
    for number, schedule in enumerate(schedules):
        for position, group in enumerate(schedule.groups):
            shown = _shown(group)
            colour = position if several_groups else number
            dash = number if len(schedules) > 1 else position // len(_COLOURS)
            found.append(
                _Curve(
                    label=_label(schedule, group, by_schedule=len(schedules) > 1),
                    steps=shown,
                    rates=group.learning_rate[shown],
                    colour=_COLOURS[colour % len(_COLOURS)],
                    dash=_DASHES[dash % len(_DASHES)],
                )
            )
    return found


def _shown(group: GroupRates) -> NDArray[np.int64]:
    """The steps to draw: all, or of very many the extremes of each stretch and both sides of a
    jump."""
    rates = group.learning_rate
    if rates.size <= 2 * _BUCKETS:
        return np.arange(rates.size, dtype=np.int64)
    width = rates.size // _BUCKETS
    whole = rates[: width * _BUCKETS].reshape(_BUCKETS, width)
    starts = np.arange(_BUCKETS, dtype=np.int64) * width
    sides = [m + side for m in group.milestones for side in (-1, 0)]
    ends = [0, *range(width * _BUCKETS, rates.size, max(1, width // 2)), rates.size - 1]
    return np.unique(
        np.concatenate(
            [starts + whole.argmin(1), starts + whole.argmax(1), np.array(sides + ends, np.int64)]
        )
    )


def _log_axis(axes: Axes, curves: Sequence[_Curve]) -> None:
    """Make the axis logarithmic over the rates above 0, with marks at 1, 2 and 5 of a decade."""
    if not any((curve.rates > 0).any() for curve in curves):
        return  # nothing but zeros: the axis stays linear
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    few = high / low < _FEW_DECADES
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _label_milestones(axes: Axes, milestones: list[int], steps: int, style: Style) -> None:
    """Write step numbers above the axis where there is room."""
    places = [-1.0, *(milestone / max(steps - 1, 1) for milestone in milestones)]
    for milestone, (before, place) in zip(milestones, pairwise(places), strict=True):
        if place - before < _LABEL_GAP:
            continue
        axes.annotate(
            f"{milestone:,}",
            (milestone, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="left" if place < _LABEL_GAP else "right" if place > 1 - _LABEL_GAP else "center",
            fontsize=SMALL,
            color=style.ink,
        )


def _legend(axes: Axes) -> tuple[list[Artist], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) <= _LEGEND_ROWS:
        return list(handles), labels
    more = len(labels) - _LEGEND_ROWS
    kept = [*labels[: _LEGEND_ROWS - 1], f"{labels[_LEGEND_ROWS - 1]}, and {more} more"]
    return list(handles[:_LEGEND_ROWS]), kept


def _label(schedule: LearningRates, group: GroupRates, *, by_schedule: bool) -> str:
    file = PurePath(schedule.source).name
    if not by_schedule:
        return short(group.name, _NAME_CHARACTERS)
    if group.name == ALL_GROUPS:
        return short(file, _NAME_CHARACTERS)
    return f"{short(file, _NAME_CHARACTERS)}: {short(group.name, _NAME_CHARACTERS)}"


def _answer(schedule: LearningRates, named: bool) -> str:
    rates = schedule.groups[0].learning_rate
    top = int(rates.argmax())
    prefix = f"{PurePath(schedule.source).name}: from" if named else "From"
    of_group = f" (group {schedule.groups[0].name})" if len(schedule.groups) > 1 else ""
    return (
        f"{prefix} {rates[0]:.4g} at step 0, highest {rates[top]:.4g} at step {top:,},"
        f" {rates[-1]:.4g} at the last of {plural(schedule.steps, 'step')}{of_group}."
    )


def _note(curves: Sequence[_Curve], notes: list[str]) -> str:
    if any((curve.rates <= 0).any() for curve in curves):
        notes = [*notes, "A rate of 0 has no place on the log axis."]
    return " ".join(notes)


@data_of("learning-rate")
def rate_table(result: RunResult) -> Table:
    """The learning rate of each step that is drawn."""
    arrays = result.arrays
    rows = zip(arrays.rate_step.tolist(), arrays.rate_value.tolist(), strict=True)
    return Table(("step", "learning_rate"), tuple(rows))
