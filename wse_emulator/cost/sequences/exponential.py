"""Exponentials: x = k ln 2 + r, a polynomial in r, and 2^k from the bits of k."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

from wse_emulator.cost.sequences.layout import WordLayout
from wse_emulator.cost.sequences.steps import Step, Stream, polynomial, step, upper_word


@dataclass(frozen=True, slots=True)
class Reduction:
    """How an argument is reduced in one format.

    Attributes:
        lowest: arguments below it give what this one gives.
        highest: largest k.
        period: ln 2 or 2 ln 2 in parts; products of k and the first one are exact.
        polynomial: of e^r from the highest power to that of r^2.
    """

    lowest: float
    highest: int
    period: tuple[float, ...]
    polynomial: tuple[float, ...]


_LN4_HALF: Final = (1.375, 0.011294361)
_LN2_HALF: Final = (0.6875, 0.0056471806)
_CUBIC: Final = (0.16700902494761607, 0.5037187418486574)
_QUARTIC: Final = (0.041609450896291915, 0.16750460305341547, 0.5000168598122343)

_EXP: Final = {
    "float32": Reduction(
        -105.0,
        64,
        (1.38629150390625, 2.8572120487399e-06),
        (
            0.00019609304659829756,
            0.0014106335148473094,
            0.0083361545441744,
            0.041661176357725004,
            0.1666661270684713,
            0.5000003549494774,
        ),
    ),
    "float16": Reduction(-18.0, 8, _LN4_HALF, (0.0402, 0.1702, 0.5008)),
    "cbfloat16": Reduction(-28.0, 16, _LN4_HALF, (0.0402, 0.1702, 0.5008)),
    "bfloat16": Reduction(-94.0, 64, (2 * log(2),), (0.165524096111975, 0.5144955858299234)),
}
"""By accuracy, for steps of 2 ln 2: |r| is 0.69 at most. Off by 1.5e-8, 1.6e-4 and 2.3e-3."""

EXPM1: Final = {
    "float32": Reduction(
        -18.0,
        128,
        (0.693145751953125, 1.42860682e-06),
        (
            0.001381388050774436,
            0.008369063461841861,
            0.04166842182023611,
            0.16666517762373165,
            0.499999932536833,
        ),
    ),
    "float16": Reduction(-9.0, 16, _LN2_HALF, _QUARTIC),
    "cbfloat16": Reduction(-9.0, 32, _LN2_HALF, _QUARTIC),
    "bfloat16": Reduction(-9.0, 128, (log(2),), _CUBIC),
}
"""By accuracy, for steps of ln 2: |r| is 0.35 at most. e^r - 1 is off by 2.3e-8, 2.1e-5
and 4.6e-4 of itself."""


def exponential(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """e^x = 2^j (2^j e^r), in two factors since 2^(2 j) may be infinite or subnormal."""
    argument, power, value = layout.streams("argument", "power", "value")
    numbers = _EXP[layout.accuracy]
    return (
        step("fmax", argument, x, numbers.lowest),
        *reduced(layout, numbers, highest=numbers.highest),
        *polynomial(value, argument, (*numbers.polynomial, 1.0, 1.0)),
        step("fmul", value, value, power),
        step("fmul", result, value, power),
    )


def expm1(layout: WordLayout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """e^x - 1 = 2 (s (e^r - 1) + (s - 1/2)) with s = 2^(k - 1)."""
    argument, power, value = layout.streams("argument", "power", "value")
    numbers = EXPM1[layout.accuracy]
    return (
        step("fmax", argument, x, numbers.lowest),
        *reduced(layout, numbers, highest=numbers.highest, exponent=-1),
        *times_power(layout, numbers),
        step("fsub", power, power, 0.5),
        step("fadd", value, value, power),
        step("fadd", result, value, value),
    )


def reduced(
    layout: WordLayout, numbers: Reduction, *, highest: int | None, exponent: int = 0
) -> tuple[Step, ...]:
    """argument = r and power = 2^(k + exponent), for the x that ``argument`` holds.

    Args:
        layout: the format.
        numbers: of the reduction.
        highest: k goes no higher; None where the argument is bounded.
        exponent: added to k.
    """
    argument, turns, power = layout.streams("argument", "turns", "power")
    bits = Stream("bits", "int16")
    limit = () if highest is None else (step("fmax", turns, turns, -highest),)
    first = (layout.power(exponent) + (layout.whole_word << layout.fraction_bits)) & 0xFFFF
    return (
        # turns = -k
        step("fmul", turns, argument, -1 / sum(numbers.period)),
        *limit,
        step("fadd", turns, turns, layout.whole),
        step("sll16", bits, layout.last_word(turns), layout.fraction_bits),
        step("sub16", upper_word(power), first, bits),
        *layout.fill_lower(power, 0),
        step("fsub", turns, turns, layout.whole),
        *(step("fmac", argument, argument, turns, part) for part in numbers.period),
    )


def times_power(layout: WordLayout, numbers: Reduction) -> tuple[Step, ...]:
    """value = power (e^r - 1), after ``reduced``."""
    argument, power, value, square = layout.streams("argument", "power", "value", "square")
    return (
        step("fmul", square, argument, argument),
        *polynomial(value, argument, numbers.polynomial),
        step("fmul", value, value, square),
        step("fadd", value, value, argument),
        step("fmul", value, value, power),
    )
