"""tanh, erf and sigmoid, which go to a limit on both sides: all of them by an exponential.

tanh and erf are computed of -|x|, as e^a - 1 with a negative a, and get the sign of x in the end.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.exponential import EXPM1, reduced, times_power
from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.reciprocal import near_inverse
from wse_emulator.cost.sequences.steps import Step, Stream, polynomial, step, upper_word

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

_SIGMOID_LOWEST: Final = {
    "float32": -88.03,
    "float16": -10.4,
    "cbfloat16": -21.49,
    "bfloat16": -88.03,
}
"""By accuracy: here k is so small that the bits of 2^k are those of 0."""


def tanh(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """tanh |x| = -v/(2 + v) with v = e^(-2 |x|) - 1; the divisor lies between 1 and 2."""
    argument, value, power, mantissa = layout.streams("argument", "value", "power", "mantissa")
    numbers = EXPM1[layout.accuracy]
    return (
        *_minus_magnitude(layout, argument, x),
        step("fadd", argument, argument, argument),
        step("fmax", argument, argument, numbers.lowest),
        *reduced(layout, numbers, highest=None),
        *times_power(layout, numbers),
        step("fsub", power, power, 1.0),
        step("fadd", value, value, power),
        step("fadd", mantissa, value, 2.0),
        *_over_one_to_two(layout, result, value),
        *_with_sign(result, x),
    )


def error_function(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
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
        *times_power(layout, numbers),
        step("fsub", power, power, 1.0),
        step("fadd", result, value, power),
        *_with_sign(result, x),
    )


def sigmoid(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/(1 + e^-x): s = v/(1 + v) with v = e^-|x| where x is negative, else 1 - s."""
    argument, power, value, grown, mantissa, part, base = layout.streams(
        "argument", "power", "value", "grown", "mantissa", "part", "base"
    )
    bits, flip = Stream("bits", "int16"), Stream("flip", "int16")
    numbers = EXPM1[layout.accuracy]
    return (
        *_minus_magnitude(layout, argument, x),
        step("fmax", argument, argument, _SIGMOID_LOWEST[layout.accuracy]),
        *reduced(layout, numbers, highest=None),
        *times_power(layout, numbers),
        step("fadd", grown, value, power),
        step("fadd", mantissa, grown, 1.0),
        *_over_one_to_two(layout, part, grown),
        # base = 1 and part = -s where x has no sign
        step("slr16", bits, upper_word(x), 15),
        step("sub16", bits, bits, 1),
        step("and16", upper_word(base), bits, layout.power(0)),
        *layout.fill_lower(base, 0),
        step("and16", flip, bits, 0x8000),
        step("xor16", upper_word(part), upper_word(part), flip),
        step("fadd", result, base, part),
    )


def _over_one_to_two(layout: WordLayout, result: Stream, dividend: Stream) -> tuple[Step, ...]:
    """dividend / mantissa, which lies between 1 and 2."""
    mantissa, opposite, line, rest = layout.streams("mantissa", "opposite", "line", "rest")
    return (
        step("sub16", upper_word(opposite), layout.infinity, upper_word(mantissa)),
        *layout.fill_lower(opposite, 0),
        *near_inverse(layout),
        step("fmul", line, opposite, line),
        step("fmul", line, line, dividend),
        step("fmul", rest, rest, line),
        step("fadd", result, line, rest),
    )


def _minus_magnitude(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    return (step("or16", upper_word(result), upper_word(x), 0x8000), *layout.fill_lower(result, x))


def _with_sign(result: Stream, x: Stream) -> tuple[Step, ...]:
    """A negative result, or -0, gets the sign of x."""
    bits = Stream("bits", "int16")
    return (
        step("or16", bits, upper_word(x), 0x7FFF),
        step("and16", upper_word(result), upper_word(result), bits),
    )
