"""The colours and sizes of all pictures: a light and a dark style that colour-blind readers can
use.

Categorical colours are those of Okabe and Ito (Color Universal Design, 2008), taken in an order
whose lightness differs, so that a grey print stays readable; fields use cividis, which has
even lightness (Nunez, Anderton, Renslow, PLOS ONE 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl

from wse_emulator.errors import UnknownNameError, near

SMALL: Final = 8.0  # points: no text is smaller
BODY: Final = 9.0
TITLE: Final = 12.0
DPI: Final = 120
FIELD_MAP: Final = "cividis"

ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"

PHASES: Final[Mapping[str, str]] = {
    "schedule": PURPLE,
    "broadcast": ORANGE,
    "update": BLUE,
    "reduce": GREEN,
    "clip": GREEN,
    "transfer": YELLOW,
}
"""Phase of a step -> colour. ``wait`` has the style's faint colour: nothing happens."""

MEMORY: Final[Mapping[str, str]] = {
    "weights": BLUE,
    "gradients": SKY,
    "optimizer_state": ORANGE,
    "temporaries": VERMILION,
    "activations": GREEN,
    "reserved": "#999999",
}
"""Category of memory -> colour."""


@dataclass(frozen=True, slots=True)
class Style:
    """The colours of paper and ink; everything else is the same in both styles."""

    name: str
    paper: str
    ink: str
    faint: str
    grid: str

    @property
    def accent(self) -> str:
        """The colour of what must be seen first: limits and the critical path."""
        return VERMILION

    def phase(self, name: str) -> str:
        """The colour of a phase of the step."""
        return PHASES.get(name, self.faint)

    def memory(self, name: str) -> str:
        """The colour of a category of memory."""
        return MEMORY.get(name, self.faint)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Use this style's settings of matplotlib inside a ``with``, and the former ones after
        it."""
        with mpl.rc_context(
            {
                "figure.facecolor": self.paper,
                "savefig.facecolor": self.paper,
                "axes.facecolor": self.paper,
                "axes.edgecolor": self.ink,
                "axes.labelcolor": self.ink,
                "text.color": self.ink,
                "xtick.color": self.ink,
                "ytick.color": self.ink,
                "grid.color": self.grid,
                "legend.edgecolor": self.grid,
                "legend.facecolor": self.paper,
                "font.family": "DejaVu Sans",
                "font.size": BODY,
                "axes.titlesize": BODY,
                "axes.labelsize": BODY,
                "xtick.labelsize": SMALL,
                "ytick.labelsize": SMALL,
                "legend.fontsize": SMALL,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "text.parse_math": False,  # names of tensors may hold a dollar sign
                "svg.hashsalt": "wse-emulator",
                "path.simplify": True,
            }
        ):
            yield


LIGHT: Final = Style(name="light", paper="#FFFFFF", ink="#1A1A1A", faint="#BBBBBB", grid="#DDDDDD")
DARK: Final = Style(name="dark", paper="#14171C", ink="#ECECEC", faint="#5A6068", grid="#333942")
STYLES: Final[Mapping[str, Style]] = {"light": LIGHT, "dark": DARK}


def style_named(name: str) -> Style:
    """The style of that name.

    Raises:
        UnknownNameError: there is none; the message lists them.
    """
    if name not in STYLES:
        raise UnknownNameError(
            f"there is no style {name!r}{near(str(name), STYLES)}; one of {', '.join(STYLES)}"
        )
    return STYLES[name]
