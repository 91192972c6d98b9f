"""The pictures that have a name: each registers itself in the file that draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from matplotlib.figure import Figure

from wse_emulator.results.run import RunResult
from wse_emulator.views.style import Style
from wse_emulator.views.table import Table

Draw = Callable[[RunResult, Style], Figure]
Tabulate = Callable[[RunResult], Table]
F = TypeVar("F", bound=Draw)


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
    figure: Draw
    table: Tabulate | None


@dataclass(frozen=True, slots=True)
class _Drawn:
    place: int
    question: str
    figure: Draw


_FIGURES: Final[dict[str, _Drawn]] = {}
_TABLES: Final[dict[str, Tabulate]] = {}
_ASIDE: Final[dict[str, str]] = {}


def view(name: str, *, question: str, place: int) -> Callable[[F], F]:
    """Make a function the picture of that name, in ``wse plot`` and in every report.

    Args:
        name: what ``wse plot --view`` calls it; also its file name.
        question: the question it answers, in the reader's words.
        place: where it stands in the report; pictures are sorted by it.
    """

    def register(figure: F) -> F:
        _refuse_taken(name)
        _FIGURES[name] = _Drawn(place, question, figure)
        return figure

    return register


def data_of(name: str) -> Callable[[Tabulate], Tabulate]:
    """Make a function the data of the view of that name: its CSV, and its table on the page."""

    def register(table: Tabulate) -> Tabulate:
        _TABLES[name] = table
        return table

    return register


def drawn_aside(name: str, question: str) -> None:
    """Announce a picture that ``wse plot`` draws by code of its own and that is in no report."""
    _refuse_taken(name)
    _ASIDE[name] = question


def registered_views() -> Mapping[str, View]:
    """View name -> view, in the order of the report."""
    ordered = sorted(_FIGURES.items(), key=lambda item: item[1].place)
    return {
        name: View(name, drawn.question, drawn.figure, _TABLES.get(name)) for name, drawn in ordered
    }


def announced() -> Mapping[str, str]:
    """Pictures of :func:`drawn_aside` -> the question each answers."""
    return dict(_ASIDE)


def _refuse_taken(name: str) -> None:
    if name in _FIGURES or name in _ASIDE:
        raise ValueError(f"two views are called {name!r}")
