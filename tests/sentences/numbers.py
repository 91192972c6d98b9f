"""Read numbers as sentences write them, and hold them to values."""

from __future__ import annotations

NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?"
SHARE = rf"(?:under 0\.0001|{NUMBER}) %"
TIME = rf"{NUMBER} (?:ns|µs|ms|s)"
BYTES = r"\d[\d,]* B"
SIZE = rf"{NUMBER} (?:[KMGT]i)?B"

_SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


def whole(text: str) -> int:
    """``12,345`` or ``12,345 B`` as a number."""
    return int(text.removesuffix(" B").replace(",", ""))


def share_agrees(text: str, fraction: float) -> bool:
    """Whether a percentage is the fraction, to the digits that it shows."""
    percent, number = 100 * fraction, text.removesuffix(" %")
    if number.startswith("under"):
        return 0 < abs(percent) < 1e-4
    if number == "0":
        return percent == 0
    if number == "99.9":
        return 99.5 <= percent < 100
    return _to_its_digits(number, percent) and (number != "100" or percent >= 100 - 1e-9)


def time_agrees(text: str, seconds: float) -> bool:
    """Whether a time is that of the seconds, to the digits that it shows."""
    number, unit = text.split(" ")
    return _to_its_digits(number, seconds / _SECONDS[unit])


def _to_its_digits(number: str, value: float) -> bool:
    shown = float(number.replace(",", ""))
    decimals = len(number.partition(".")[2])
    return abs(shown - value) <= 0.5 * 10**-decimals * (1 + 1e-6) + 1e-9 * abs(value)
