"""Measure and wrap text in the font of the pictures."""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath


def wrapped(text: str, width: float, points: float, bold: bool = False) -> list[str]:
    """Break ``text`` at spaces into lines of at most ``width`` points."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, points, bold) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


@lru_cache(maxsize=4096)
def text_width(text: str, points: float, bold: bool = False) -> float:
    """The width of a line of text, in points."""
    font = _font(points, bold)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def _font(points: float, bold: bool) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=points, weight="bold" if bold else "normal")
