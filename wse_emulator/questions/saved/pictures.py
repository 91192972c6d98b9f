"""The pictures of a result by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, singledispatch

from matplotlib.figure import Figure

from wse_emulator.errors import UnknownNameError, near
from wse_emulator.questions.saved.again import explained
from wse_emulator.report.fit import MEMORY_VIEWS, result_of_fit
from wse_emulator.results.answer import Answer
from wse_emulator.results.compare import Comparison
from wse_emulator.results.explain import Explanation
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.run import RunResult
from wse_emulator.results.schedule import LearningRates
from wse_emulator.views import bottlenecks
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.difference import figure_difference
from wse_emulator.views.learning_rate import figure_learning_rate
from wse_emulator.views.replay import REPLAY
from wse_emulator.views.style import Style, style_named

InStyle = Callable[[Style], Figure]


@singledispatch
def pictures_of(answer: Answer) -> Mapping[str, InStyle]:  # noqa: ARG001 - what has no picture
    """The pictures of a result: name -> what draws it in a style."""
    return {}


@pictures_of.register
def _of_run(answer: RunResult) -> Mapping[str, InStyle]:
    drawn: dict[str, InStyle] = {n: partial(view.figure, answer) for n, view in VIEWS.items()}
    return drawn | {bottlenecks.NAME: partial(_bottlenecks, answer)}


@pictures_of.register
def _of_fit(answer: FitReport) -> Mapping[str, InStyle]:
    return {name: partial(_of_memory, answer, name) for name in MEMORY_VIEWS}


@pictures_of.register
def _of_preflight(answer: Preflight) -> Mapping[str, InStyle]:
    return {} if answer.fit is None else _of_fit(answer.fit)


@pictures_of.register
def _of_explanation(answer: Explanation) -> Mapping[str, InStyle]:
    return {bottlenecks.NAME: partial(bottlenecks.figure_limits, answer)}


@pictures_of.register
def _of_comparison(answer: Comparison) -> Mapping[str, InStyle]:
    return {"difference": partial(figure_difference, *answer.results)}


@pictures_of.register
def _of_rates(answer: LearningRates) -> Mapping[str, InStyle]:
    return {"learning-rate": partial(_rates, answer)}


def picture(answer: Answer, view: str, style: str) -> Figure:
    """The picture of that name; see :meth:`.DrawnAnswer.figure`.

    Raises:
        UnknownNameError: no such picture or style; the message lists them.
    """
    colours = style_named(style)
    found = pictures_of(answer)
    if not view and len(found) == 1:
        (view,) = found
    if view in found:
        return found[view](colours)
    what = type(answer).__name__
    if not found:
        raise UnknownNameError(f"this {what} has no picture: nothing was planned")
    if view == REPLAY:
        raise UnknownNameError(
            "replay is an animation and no figure; wse_emulator.plot(result, 'replay', "
            "out='replay.gif') writes it"
        )
    said = "name a picture" if not view else f"no picture is called {view!r}{near(view, found)}"
    raise UnknownNameError(f"{said}; a {what} has: {', '.join(found)}")


def _of_memory(report: FitReport, name: str, style: Style) -> Figure:
    return VIEWS[name].figure(result_of_fit(report), style)


def _bottlenecks(result: RunResult, style: Style) -> Figure:
    explanation = explained(result) if result.steps else None
    return bottlenecks.figure_bottlenecks(result, explanation, style)


def _rates(rates: LearningRates, style: Style) -> Figure:
    return figure_learning_rate(rates, rates.beside, style)
