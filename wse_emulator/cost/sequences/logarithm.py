"""Logarithms: x = 2^k (1 + f) with 1 + f from 0.707 to 1.414, k ln 2 and a polynomial in f.

k is counted in the last bits of a large number. Before that number is subtracted, 1/x and x are
added to it, both times the smallest number of the format: nothing remains of them, unless they
are infinite or NaN.
"""

from __future__ import annotations

from math import log
from typing import Final

from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.rounding import FORMATS
from wse_emulator.cost.sequences.steps import Step, Stream, lower_word, polynomial, step, upper_word

_LN2: Final = {
    "float32": (0.693145751953125, 1.42860682e-06),
    "float16": (0.6875, 0.0056471806),
    "cbfloat16": (0.6875, 0.0056471806),
    "bfloat16": (log(2),),
}
"""ln 2 in parts, by accuracy; products of k and the first one are exact."""

_QUARTIC: Final = (
    0.17852473363566992,
    -0.2699687837434831,
    0.33570395191957153,
    -0.499533616200176,
)

_POLYNOMIAL: Final = {
    "float32": (
        0.0874647066173156,
        -0.1431549240636497,
        0.14917670070114883,
        -0.1656951628954965,
        0.19962002125925407,
        -0.25001789058466456,
        0.33333952490786817,
        -0.499999913502182,
    ),
    "float16": _QUARTIC,
    "cbfloat16": _QUARTIC,
    "bfloat16": (-0.22523179212468464, 0.350830193411658, -0.5018357490746544),
}
"""(ln(1 + f) - f)/f^2 by accuracy; ln(1 + f) is off by 3.0e-8, 6.1e-5 and 4.6e-4 of itself."""

_ROOT_HALF: Final = {"float32": 0x3F35, "float16": 0x39A8, "cbfloat16": 0x3CD4}
"""Upper word of the square root of 1/2."""


def logarithm(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """ln x."""
    fraction, mantissa = layout.streams("fraction", "mantissa")
    return (
        *_exponent(layout, x, x),
        step("fsub", fraction, mantissa, 1.0),
        *_sum(layout, result),
    )


def log1p(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """ln(1 + x) as that of the rounded sum, and what rounding took from it added to f."""
    opposite, total, lost, scale, mantissa, fraction = layout.streams(
        "opposite", "total", "lost", "down", "mantissa", "fraction"
    )
    bits = Stream("bits", "int16")
    fraction_bits, largest_exponent = FORMATS[layout.dtype]
    largest = (2 - 2.0**-fraction_bits) * 2.0**largest_exponent
    return (
        # opposite = -x, finite
        step("fneg", opposite, x),
        step("fmax", opposite, opposite, -largest),
        step("fsub", total, 1.0, opposite),
        step("fsub", lost, 1.0, total),
        step("fsub", lost, lost, opposite),
        *_exponent(layout, total, x),
        # down = 2^-k
        step("sub16", bits, upper_word(mantissa), upper_word(total)),
        step("add16", upper_word(scale), bits, layout.power(0)),
        *layout.fill_lower(scale, 0),
        step("fmax", scale, scale, 0.0),
        step("fmul", lost, lost, scale),
        step("fsub", fraction, mantissa, 1.0),
        step("fadd", fraction, fraction, lost),
        *_sum(layout, result),
    )


def _exponent(layout: WordLayout, x: Stream, grown: Stream) -> tuple[Step, ...]:
    """mantissa = 1 + f and exponent = k; it is infinite for 0 and infinity, NaN for NaN and signs.

    ``grown`` is infinite where the result is.
    """
    mantissa, exponent, inverse = layout.streams("mantissa", "exponent", "inverse")
    bits, part = Stream("bits", "int16"), Stream("part", "int16")
    root = _ROOT_HALF[layout.dtype]
    fraction_bits, largest_exponent = FORMATS[layout.dtype]
    smallest = 2.0 ** (1 - largest_exponent - fraction_bits)
    counted = (
        (
            step("slr16", part, bits, layout.fraction_bits),
            step("add16", upper_word(exponent), part, layout.whole_word),
        )
        if layout.is_half
        else (
            step("slr16", lower_word(exponent), bits, layout.fraction_bits),
            step("mov16", upper_word(exponent), 0x4B40),  # the upper word of 1.5 2^23
        )
    )
    return (
        step("add16", bits, upper_word(x), 0x4000 - root),
        *counted,
        step("and16", part, bits, layout.fraction),
        step("add16", upper_word(mantissa), part, root),
        *layout.fill_lower(mantissa, x),
        step("sub16", upper_word(inverse), layout.infinity, upper_word(x)),
        *layout.fill_lower(inverse, 0),
        step("fmac", exponent, exponent, inverse, -smallest),
        step("fmac", exponent, exponent, grown, smallest),
        step("fsub", exponent, exponent, layout.whole + (0x4000 >> layout.fraction_bits)),
        step("sar16", bits, upper_word(x), 15),
        step("or16", upper_word(exponent), upper_word(exponent), bits),
    )


def _sum(layout: WordLayout, result: Stream) -> tuple[Step, ...]:
    """exponent ln 2 + ln(1 + fraction)."""
    fraction, exponent, value, square = layout.streams("fraction", "exponent", "value", "square")
    first, *others = _LN2[layout.accuracy]
    return (
        step("fmul", square, fraction, fraction),
        *polynomial(value, fraction, _POLYNOMIAL[layout.accuracy]),
        step("fmul", value, value, square),
        *(step("fmac", value, value, exponent, part) for part in others),
        step("fadd", value, value, fraction),
        step("fmac", result, value, exponent, first),
    )
