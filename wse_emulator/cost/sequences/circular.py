"""Cosine and sine: x = k pi + r, an odd polynomial in r, and the sign from the last bit of k.

The cosine takes k to be half of an odd number, so that it is a sine of r too. Near its zeros r is
small and as exact as elsewhere, so the error is bounded in units in the last place there as well.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.steps import Step, Stream, polynomial, step, upper_word

_PI: Final = {
    "float32": (3.1415927410125732, -8.742277657347586e-08, -3.4302490200117637e-15),
    "float16": (3.140625, 0.0009675025939941406, 1.7881393432617188e-07),
    "cbfloat16": (3.140625, 0.0009679794311523438, -3.259629011154175e-07),
    "bfloat16": (3.1415927410125732, -8.742277657347586e-08),
}
"""pi in parts, by accuracy."""

_QUINTIC: Final = (-0.00018537040135983387, 0.008314119932379942, -0.16665843190139085)

_POLYNOMIAL: Final = {
    "float32": (
        2.6051820760706644e-06,
        -0.00019809346547277457,
        0.008333062968333537,
        -0.16666659432755418,
    ),
    "float16": _QUINTIC,
    "cbfloat16": _QUINTIC,
    "bfloat16": (0.007653849387958254, -0.1661247983421751),
}
"""(sin r - r)/r^3 in powers of r^2, by accuracy; sin r is off by 6.2e-9, 1.1e-6 and 1.4e-4."""

LARGEST_ANGLE: Final = {
    "float32": 100_000.0,
    "float16": 170.0,
    "bfloat16": 100_000.0,
    "cbfloat16": 400.0,
}
"""Up to here cosine and sine are accurate; far beyond, k is no longer counted."""


def sine(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """sin x."""
    (turns,) = layout.streams("turns")
    return (
        step("fmul", turns, x, 0.3183098861837907),
        *_counted(layout),
        *_sine_of_rest(layout, result, x),
    )


def cosine(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """cos x = sin(x + pi/2)."""
    (turns,) = layout.streams("turns")
    return (
        step("fmul", turns, x, 0.3183098861837907),
        step("fadd", turns, turns, 0.5),
        *_counted(layout),
        step("fsub", turns, turns, 0.5),
        *_sine_of_rest(layout, result, x),
    )


def _counted(layout: WordLayout) -> tuple[Step, ...]:
    """turns rounded to a whole number, and flip = the sign of (-1)^turns."""
    (turns,) = layout.streams("turns")
    return (
        step("fadd", turns, turns, layout.whole),
        step("sll16", Stream("flip", "int16"), layout.last_word(turns), 15),
        step("fsub", turns, turns, layout.whole),
    )


def _sine_of_rest(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """The sine of x - turns pi = r, as r + r^3 (c + r^2 (...))."""
    turns, rest, square, value = layout.streams("turns", "rest", "square", "value")
    first, *others = _PI[layout.accuracy]
    *high, last = _POLYNOMIAL[layout.accuracy]
    return (
        step("fmac", rest, x, turns, -first),
        *(step("fmac", rest, rest, turns, -part) for part in others),
        step("fmul", square, rest, rest),
        *(
            (step("fmul", value, square, high[0]),)
            if len(high) == 1
            else (*polynomial(value, square, tuple(high)), step("fmul", value, value, square))
        ),
        step("fmul", square, square, rest),
        step("fmul", value, value, square),
        step("fmac", value, value, square, last),
        step("fadd", result, value, rest),
        step("xor16", upper_word(result), upper_word(result), Stream("flip", "int16")),
    )
