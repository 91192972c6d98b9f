"""Square roots: half the exponent from the bits, and one Newton step on a start value.

With x = m 4^j and m from 1/2 to 2, 1/sqrt(x) is 2^-j / sqrt(m). The start value is sqrt(2/m), up
to 6 % too large; for a negative x its bit pattern is that of NaN or -infinity, and the result is
NaN. Where a format has numbers whose squares are subnormal, subnormal inputs are lifted first.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.steps import Step, Stream, step, upper_word

_LIFT: Final = {"float16": 7, "cbfloat16": 8}
"""Format -> lift: x is multiplied by 4**lift below 2, and divided by what keeps it finite above."""

_LINE: Final = {
    "float32": (1.01504, -0.30975),
    "float16": (1.0156, -0.3105),
    "bfloat16": (1.016, -0.3125),
    "cbfloat16": (1.0156, -0.3105),
}
"""1/sqrt(2 w) for w from 1 to 1.19 as a straight line, constant and slope: up to 0.28 % too small
(0.45 % in bfloat16), and never too large where w is that of infinity."""

_SECOND: Final = 1.5053
"""1/sqrt(1 - 2 e) = 1 + e + 1.5053 e^2 for e from 0 to 0.28 %, off by 1e-8."""


def square_root(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """sqrt(x) = x/sqrt(x)."""
    lifted, inverse, rest, scale = layout.streams("lifted", "inverse", "rest", "scale")
    return (
        *_inverse_root(layout, x, reciprocal=False),
        step("fmul", lifted, lifted, scale),
        step("fmul", inverse, inverse, lifted),
        step("fmul", rest, rest, inverse),
        step("fadd", result, inverse, rest),
    )


def reciprocal_root(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/sqrt(x)."""
    lifted, inverse, rest, scale, least = layout.streams(
        "lifted", "inverse", "rest", "scale", "least"
    )
    bits = Stream("bits", "int16")
    small = -(layout.bias + 3) // 2
    shrunk = (
        step("fmul", least, least, 2.0**small)
        if layout.is_half
        else step("fscale", least, least, small)
    )
    return (
        *_inverse_root(layout, x, reciprocal=True),
        # scale = 0 for infinity
        step("sub16", bits, upper_word(lifted), layout.infinity),
        step("sar16", bits, bits, 15),
        step("and16", upper_word(scale), upper_word(scale), bits),
        step("fmul", inverse, inverse, scale),
        step("fmul", rest, rest, inverse),
        step("fadd", inverse, inverse, rest),
        # least is infinite for 0, NaN for NaN, else smaller than the result
        step("sub16", upper_word(least), layout.infinity, upper_word(lifted)),
        *layout.fill_lower(least, 0),
        shrunk,
        step("fmax", result, inverse, least),
    )


def _inverse_root(layout: WordLayout, x: Stream, *, reciprocal: bool) -> tuple[Step, ...]:
    """inverse, rest and scale, with 1/sqrt(lifted) = scale inverse (1 + rest).

    scale is 2^-j times what undoes the lift: in the reciprocal of the root, or in the root.
    """
    lifted, lift, scale = layout.streams("lifted", "lift", "scale")
    half_bits, top, exponent = (Stream(name, "int16") for name in ("half", "top", "exponent"))
    twice = _LIFT.get(layout.dtype, 0)
    raised = (
        step("slr16", top, upper_word(lifted), 1),
        step("and16", top, top, 0x2000),
        step("sub16", upper_word(lift), layout.power(twice), top),
        step("fmul", lifted, lifted, lift),
        step("fmul", lifted, lifted, lift),
    )
    undone = step("sub16" if reciprocal else "add16", upper_word(scale), upper_word(scale), top)
    middle = (layout.bias - 1) // 2 + (twice if reciprocal else -twice)
    return (
        step("fadd", lifted, x, 0.0),  # the root of -0 is 0
        *(raised if twice else ()),
        step("slr16", half_bits, upper_word(lifted), 1),
        step("and16", exponent, half_bits, 0x4000 - layout.unit),
        step("sub16", upper_word(scale), layout.power(middle), exponent),
        *layout.fill_lower(scale, 0),
        *((undone,) if twice else ()),
        *_newton(layout),
    )


def _newton(layout: WordLayout) -> tuple[Step, ...]:
    """inverse and rest, with 1/sqrt(m) = inverse (1 + rest)."""
    lifted, half, inverse, rest, square = layout.streams(
        "lifted", "half_mantissa", "inverse", "rest", "square"
    )
    half_bits, low = Stream("half", "int16"), Stream("low", "int16")
    constant, slope = _LINE[layout.dtype]
    second = (
        step("fmul", square, rest, rest),
        step("fmac", rest, rest, square, _SECOND),
    )
    return (
        # half_mantissa = m/2
        step("and16", upper_word(half), upper_word(lifted), 2 * layout.unit - 1),
        step("add16", upper_word(half), upper_word(half), layout.power(-2)),
        *layout.fill_lower(half, lifted),
        # inverse = sqrt(2/m), and with the sign of x NaN
        step("and16", low, half_bits, 0x4000 + layout.unit - 1),
        step("sub16", upper_word(inverse), 0x3FFF, low),
        *layout.fill_lower(inverse, 0x8000),
        # times the line
        step("fmul", rest, half, inverse),
        step("fmul", rest, rest, inverse),
        step("fmul", rest, rest, slope),
        step("fadd", rest, rest, constant),
        step("fmul", inverse, inverse, rest),
        # rest = 1/2 - (m/2) inverse^2
        step("fmul", rest, half, inverse),
        step("fmul", rest, rest, inverse),
        step("fsub", rest, 0.5, rest),
        *(second if layout.is_single else ()),
    )
