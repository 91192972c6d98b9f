"""Write numbers and names for readers: with thousands separators, units, and short enough.

The one home of how numbers are written, in every sentence, table, picture and page: a space stands
before a unit and before ``%``; seconds, sums of bytes and shares have two or three digits; cycles,
and the bytes of one PE, are written in full, since a byte more than there is does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import floor, log10
from typing import Final

_KIB = 1024

DIRECTIONS: Final[Mapping[str, str]] = {
    "E": "eastward",
    "W": "westward",
    "S": "southward",
    "N": "northward",
    "D": "router to PE",
}
"""Plane of links -> a reader's word for it."""


def cycles(count: float) -> str:
    """Write cycles: ``12,345 cycles``."""
    return f"{count:,.0f} cycle{'' if count == 1 else 's'}"


def seconds(value: float) -> str:
    """Write seconds with three digits in the unit that suits: ``41.3 µs``."""
    if value <= 0:
        return "0 s"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{significant(value * factor)} {unit}"
    return f"{significant(value * 1e9)} ns"


def size(count: float) -> str:
    """Write bytes with three digits: ``512 B``, ``47.3 KiB``, ``23.1 GiB``."""
    magnitude = abs(count)
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if magnitude >= _KIB**power:
            return f"{significant(count / _KIB**power)} {unit}"
    return f"{count:,.0f} B"


def full_bytes(count: float) -> str:
    """Write bytes in full, as for what one PE holds: ``47,101 B``."""
    return f"{count:,.0f} B"


def share(fraction: float) -> str:
    """Write a fraction as a percentage, a small one with more digits: ``0.0013 %``."""
    percent = 100 * fraction
    if percent == 0:
        return "0 %"
    if abs(percent) < 1e-4:
        return "under 0.0001 %"
    if abs(percent) >= 10:
        return f"{percent:,.0f} %" if abs(percent) < 99.5 or abs(percent) >= 100 else "99.9 %"
    return f"{significant(percent, 2)} %"


def deviation(fraction: float) -> str:
    """Write a signed difference as a percentage with one decimal: ``+1.9 %``."""
    return f"{100 * fraction:+.1f} %"


def significant(value: float, digits: int = 3) -> str:
    """``value`` with so many significant digits, no exponent for usual magnitudes."""
    if value == 0:
        return "0"
    magnitude = floor(log10(abs(value)))
    if not -5 <= magnitude < 9:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(digits - 1 - magnitude, 0)}f}"


def rate_text(value: float | None) -> str:
    """Write a learning rate as a configuration has it."""
    return "none" if value is None else f"{value:.6g}"


def plural(count: int, noun: str, many: str = "") -> str:
    """Write a number with its noun: ``1 tensor``, ``580 tensors``; ``many`` is an uncommon one."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def short(name: str, limit: int) -> str:
    """``name`` in at most ``limit`` characters, its middle left out, printable in our font."""
    known = _glyphs()
    name = "".join(c if ord(c) in known and c.isprintable() else "?" for c in name)
    if len(name) <= limit:
        return name
    head = (limit - 1) // 2
    return f"{name[:head]}…{name[len(name) - (limit - 1 - head) :]}"


def without_common_prefix(names: list[str]) -> list[str]:
    """Names without the leading dotted parts that all share (``transformer.h.0`` -> ``h.0``)."""
    parts = [name.split(".") for name in names]
    shortest = min((len(p) for p in parts), default=0)
    shared = 0
    while len(parts) > 1 and shared < shortest - 1 and len({p[shared] for p in parts}) == 1:
        shared += 1
    # the word before a number is what tells "h.0" from "0"
    if shared and all(p[shared].isdigit() for p in parts):
        shared -= 1
    prefix = ".".join(parts[0][:shared]) + "." if shared else ""
    # a name may hold a second one, as in "transformer.wte .. transformer.wpe"
    return [".".join(p[shared:]).replace(f" {prefix}", " ") for p in parts]


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    # most words need no font, and matplotlib takes long to load
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

    font = FontProperties(family="DejaVu Sans", size=10, weight="normal")
    return frozenset(get_font(findfont(font)).get_charmap())
