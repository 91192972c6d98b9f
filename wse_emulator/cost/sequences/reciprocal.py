"""Reciprocal and division: a start value from the bits of the divisor, a line and a residual.

For x = (1 + f) 2^k the steps take m = 1 + f and n = 2 - f from the bits. m n lies between 2 and
2.25 for every x, so one straight line g serves as its reciprocal, and n g as that of m. The scale
q is n times a power of two; as a difference of bit patterns it is infinite for 0, 0 for infinity
and NaN for NaN, which carries these cases to the result. n g is a little less than 1/m, so that
the residual 1 - m n g is positive and the last sum keeps an infinite result.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.steps import Step, Stream, step, upper_word

_LINE: Final = {
    "float32": (0.9385, -0.22022),
    "float16": (0.9345703125, -0.2186279296875),
    "bfloat16": (0.9140625, -0.2109375),
    "cbfloat16": (0.931640625, -0.217529296875),
}
"""Constant and slope of g; n g is up to 0.5 % too small (0.7 % in
cbfloat16, 1.6 % in bfloat16), and never too large."""

_SECOND: Final = 1.0028
"""1/(1 - e) = 1 + e + 1.0028 e^2 for e from 0 to 0.4 %, off by 1e-8."""


def reciprocal(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/x."""
    line, scale, rest = layout.streams("line", "scale", "rest")
    return (
        *_bits_of_divisor(layout, x),
        *near_inverse(layout),
        step("fmul", line, line, scale),
        step("fmul", rest, rest, line),
        step("fadd", result, line, rest),
    )


def division(layout: WordLayout, result: Stream, x: Stream, y: Stream) -> tuple[Step, ...]:
    """x/y; both are divided by 16 first where 1/y is about subnormal."""
    shrink, dividend, divisor = layout.streams("shrink", "dividend", "divisor")
    line, scale, rest = layout.streams("line", "scale", "rest")
    bits = Stream("bits", "int16")
    return (
        # shrink = 1/16 from 2^(bias - 2) on, else 1
        step("and16", bits, upper_word(y), 0x7FFF),
        step("add16", bits, bits, 0x8000 - layout.power(layout.bias - 2)),
        step("slr16", bits, bits, 13 - layout.fraction_bits),
        step("and16", bits, bits, 4 * layout.unit),
        step("sub16", upper_word(shrink), layout.power(0), bits),
        *layout.fill_lower(shrink, 0),
        step("fmul", dividend, x, shrink),
        step("fmul", divisor, y, shrink),
        *_bits_of_divisor(layout, divisor),
        *near_inverse(layout),
        step("fmul", line, line, scale),
        step("fmul", line, line, dividend),
        step("fmul", rest, rest, line),
        step("fadd", result, line, rest),
    )


def _bits_of_divisor(layout: WordLayout, x: Stream) -> tuple[Step, ...]:
    """mantissa = m, opposite = n, scale = q."""
    mantissa, opposite, scale = layout.streams("mantissa", "opposite", "scale")
    return (
        step("and16", upper_word(mantissa), upper_word(x), layout.fraction),
        step("or16", upper_word(mantissa), upper_word(mantissa), layout.power(0)),
        *layout.fill_lower(mantissa, x),
        step("sub16", upper_word(opposite), layout.infinity, upper_word(mantissa)),
        *layout.fill_lower(opposite, 0),
        step("sub16", upper_word(scale), layout.infinity, upper_word(x)),
        *layout.fill_lower(scale, 0),
    )


def near_inverse(layout: WordLayout) -> tuple[Step, ...]:
    """line = g and rest, with 1/mantissa = opposite line (1 + rest)."""
    mantissa, opposite, line, near, rest = layout.streams(
        "mantissa", "opposite", "line", "near", "rest"
    )
    constant, slope = _LINE[layout.dtype]
    second = (
        step("fmul", near, rest, rest),
        step("fmac", rest, rest, near, _SECOND),
    )
    return (
        step("fmul", line, mantissa, opposite),
        step("fmul", line, line, slope),
        step("fadd", line, line, constant),
        step("fmul", near, opposite, line),
        step("fmul", rest, mantissa, near),
        step("fsub", rest, 1.0, rest),
        *(second if layout.is_single else ()),
    )
