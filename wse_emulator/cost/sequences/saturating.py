"""tanh, erf and sigmoid, which go to a limit on both sides: all of them by an exponential.

tanh and erf are computed of -|x|, as e^a - 1 with a negative a, and get the sign of x in the end.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.exponential import (
    EXP,
    EXPM1,
    less_one,
    reduced,
    scaled_polynomial,
)
from wse_emulator.cost.sequences.layout import Layout
from wse_emulator.cost.sequences.reciprocal import bits_of_divisor, near_inverse, quotient
from wse_emulator.cost.sequences.steps import Step, Stream, polynomial, step, upper

_CUBIC: Final = (0.014835053589235422, 0.09852356885518931, -0.6376818354846052, 0.128343488915)

_ERF: Final = {
    "float32": (
        3.95,
        (
            -9.256265320507227e-06,
            -0.00011764126792953813,
            -0.0006328368243338406,
            -0.0016670273667864777,
            -0.0001603959279380552,
            0.01915306400670916,
            0.102777830546814,
            -0.6366193819600228,
            0.1283791716116218,
        ),
    ),
    "float16": (3.0, _CUBIC),
    "cbfloat16": (2.85, _CUBIC),
    "bfloat16": (2.6, (0.07325191203726596, -0.6471243116682999, 0.1279061048874661)),
}
"""By accuracy: where erf rounds to 1, and ln(1 - erf |x|)/-|x| - 1 in powers of -|x|; erf is off
by 4.0e-9, 3.2e-5 and 4.2e-4 of itself."""

_SIGMOID_IS_ONE: Final = {"float32": 17.5, "float16": 8.5, "cbfloat16": 8.0, "bfloat16": 7.0}
"""By accuracy: from here on sigmoid rounds to 1."""


def tanh(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """tanh |x| = -v/(2 + v) with v = e^(-2 |x|) - 1; the divisor lies between 1 and 2."""
    argument, value, mantissa, opposite, line, near, rest = layout.streams(
        "argument", "value", "mantissa", "opposite", "line", "near", "rest"
    )
    numbers = EXPM1[layout.accuracy]
    return (
        *_minus_magnitude(layout, argument, x),
        step("fadd", argument, argument, argument),
        step("fmax", argument, argument, numbers.lowest),
        *reduced(layout, numbers, highest=None),
        *less_one(layout, numbers, 1.0),
        step("fadd", mantissa, value, 2.0),
        step("sub16", upper(opposite), layout.infinity, upper(mantissa)),
        *layout.fill_lower(opposite, 0),
        *near_inverse(layout),
        step("fmul", line, opposite, line),
        step("fmul", line, line, value),
        step("fmul", rest, rest, line),
        step("fadd", result, line, rest),
        *_with_sign(result, x),
    )


def error_function(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """erf |x| = 1 - e^a with a = -|x| (1 + polynomial(-|x|))."""
    argument, value, power, negative = layout.streams("argument", "value", "power", "negative")
    numbers = EXPM1[layout.accuracy]
    limit, coefficients = _ERF[layout.accuracy]
    return (
        *_minus_magnitude(layout, negative, x),
        step("fmax", negative, negative, -limit),
        *polynomial(argument, negative, coefficients),
        step("fmul", argument, argument, negative),
        step("fadd", argument, argument, negative),
        *reduced(layout, numbers, highest=None),
        *less_one(layout, numbers, 1.0)[:-1],
        step("fadd", result, value, power),
        *_with_sign(result, x),
    )


def sigmoid(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/(1 + e^-x) = e^x/(1 + e^x), with x no larger than where it rounds to 1."""
    argument, grown, divisor = layout.streams("argument", "grown", "divisor")
    numbers = EXP[layout.accuracy]
    powers = (*numbers.polynomial, 1.0, 1.0)
    mirrored = tuple(c if n % 2 == 0 else -c for n, c in enumerate(reversed(powers)))[::-1]
    return (
        step("fmax", argument, x, numbers.lowest),
        step("fneg", argument, argument),
        step("fmax", argument, argument, -_SIGMOID_IS_ONE[layout.accuracy]),
        *reduced(layout, numbers, highest=None, sign=-1),
        *scaled_polynomial(layout, grown, mirrored),
        step("fadd", divisor, grown, 1.0),
        *bits_of_divisor(layout, divisor),
        *near_inverse(layout),
        *quotient(layout, result, grown),
    )


def _minus_magnitude(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    return (step("or16", upper(result), upper(x), 0x8000), *layout.fill_lower(result, x))


def _with_sign(result: Stream, x: Stream) -> tuple[Step, ...]:
    """A negative result, or -0, gets the sign of x."""
    bits = Stream("bits", "int16")
    return (
        step("or16", bits, upper(x), 0x7FFF),
        step("and16", upper(result), upper(result), bits),
    )
