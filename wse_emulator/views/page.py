"""The frame that all pictures share: a question, its answer in words, the drawing, a note.

Text is measured before it is placed, so that texts never overlap, whatever the size of the model.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from wse_emulator.views.style import BODY, DPI, SMALL, TITLE, Style
from wse_emulator.views.text import wrapped

_POINTS: Final = 72.0
_MARGIN: Final = 0.15  # inches around the page
_LEADING: Final = 1.35  # line height over font size

FORMATS: Final = ("png", "svg")
_SVG_ID: Final = re.compile(rb"(?<=[\"#])[a-z]{0,8}[0-9a-f]{10}(?=[\")])")


class ShownFigure(Figure):
    """A figure that a notebook shows, and that keeps its colours wherever it is drawn.

    Figures made outside of pyplot show no picture in a notebook by themselves.
    """

    def __init__(self, style: Style, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=DPI)
        self._style = style

    def draw(self, renderer: RendererBase) -> None:
        """Draw in the style of the figure: matplotlib makes some ticks only now."""
        with self._style.applied():
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return render(self, self._style)


@dataclass(frozen=True, slots=True)
class Page:
    """A figure whose frame is drawn.

    Attributes:
        figure: the figure. Axes are added to it; the layout keeps them clear of the frame.
        style: the colours of the page.
    """

    figure: Figure
    style: Style


def new_page(
    style: Style, *, question: str, answer: str, note: str = "", width: float = 9.0, height: float
) -> Page:
    """Begin a figure with ``question`` as title, ``answer`` below it and ``note`` at the foot.

    Args:
        width: in inches.
        height: of the drawing, in inches; the texts of the frame are added to it.
    """
    inner = (width - 2 * _MARGIN) * _POINTS * 0.97  # hinting draws a little wider than measured
    title = wrapped(question, inner, TITLE, bold=True)
    words = wrapped(answer, inner, BODY) if answer else []
    notes = wrapped(note, inner, SMALL) if note else []
    head = (len(title) * TITLE + len(words) * BODY) * _LEADING / _POINTS + 0.12
    foot = len(notes) * SMALL * _LEADING / _POINTS + (0.06 if notes else 0.0)
    total = height + head + foot + 2 * _MARGIN
    figure = ShownFigure(style, width, total)
    FigureCanvasAgg(figure)

    left, top = _MARGIN / width, total - _MARGIN
    for lines, points, weight in ((title, TITLE, "bold"), (words, BODY, "normal")):
        for line in lines:
            top -= points * _LEADING / _POINTS
            figure.text(left, top / total, line, fontsize=points, weight=weight, va="baseline")
    for index, line in enumerate(reversed(notes)):
        y = _MARGIN + (index * SMALL * _LEADING + 2) / _POINTS
        figure.text(left, y / total, line, fontsize=SMALL, alpha=0.8, va="baseline")
    bottom = (_MARGIN + foot) / total
    upper = 1 - (_MARGIN + head) / total
    figure.set_layout_engine(
        "constrained",
        rect=(left, bottom, 1 - 2 * left, upper - bottom),
        w_pad=0.06,
        h_pad=0.05,
    )
    return Page(figure=figure, style=style)


def empty_page(style: Style, *, question: str, answer: str) -> Figure:
    """Make a picture without a drawing, for a result where the answer is all there is to show."""
    figure = new_page(style, question=question, answer=answer, height=0.2).figure
    figure.set_layout_engine("none")  # there are no axes to lay out
    return figure


def render(figure: Figure, style: Style, file_format: str = "png") -> bytes:
    """Turn a figure into the bytes of a file; the same figure always gives the same bytes.

    Args:
        file_format: one of ``FORMATS``.
    """
    # no time, no version of the drawing library: both would change the bytes
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}[file_format]
    buffer = io.BytesIO()
    with style.applied():
        figure.savefig(buffer, format=file_format, dpi=DPI, metadata=metadata)
    # the layout is found now; a second format need not search it again
    figure.set_layout_engine("none")
    return _plain_ids(buffer.getvalue()) if file_format == "svg" else buffer.getvalue()


def _plain_ids(drawing: bytes) -> bytes:
    """Number the ids of an SVG in the order they occur.

    matplotlib derives some of them from memory addresses, which differ from run to run.
    """
    found = dict.fromkeys(_SVG_ID.findall(drawing))
    numbers = {name: b"e%d" % number for number, name in enumerate(found)}
    return _SVG_ID.sub(lambda match: numbers[match[0]], drawing)


def cycle_axis(axes: Axes, clock_hz: int, last: float, words: str = "time in cycles") -> None:
    """Make the horizontal axis one of cycles, from 0 to ``last``, and give the clock in its label.

    Args:
        words: what the cycles are, for the label.
    """
    axes.set_xlim(0, max(last, 1))
    axes.set_xlabel(f"{words} (1,000 cycles = {1e9 / clock_hz:.3g} µs)")
    thousands(axes, "x")


def thousands(axes: Axes, which: str, ticks: int = 6) -> None:
    """Write whole numbers with thousands separators on the ``x`` or ``y`` axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(ticks, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def byte_axis(axes: Axes, which: str, most: float, words: str) -> None:
    """Label an axis of bytes in the unit that suits ``most``; the data stay in bytes.

    Args:
        words: whose bytes, for the label.
    """
    power = next((p for p in (4, 3, 2, 1) if most >= 1024**p), 0)
    unit, factor = ("B", "KiB", "MiB", "GiB", "TiB")[power], 1024**power
    axis = axes.xaxis if which == "x" else axes.yaxis
    locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=power == 0)
    ticks = [tick * factor for tick in locator.tick_values(0, most / factor)]
    axis.set_major_locator(FixedLocator([t for t in ticks if t <= most * 1.08]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / factor:,.10g}"))
    axis.set_label_text(f"{unit}, {words}")


def legend_above(axes: Axes, handles: Sequence[Artist], columns: int = 6) -> None:
    """Put the legend in one line above the drawing, where it covers no data."""
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.4,
    )
