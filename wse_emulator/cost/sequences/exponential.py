"""Exponentials: e^x = 2^j 2^j e^r with r = x - 2 j ln 2, and a polynomial in r."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wse_emulator.cost.sequences.steps import (
    Layout,
    Step,
    Stream,
    lower,
    polynomial,
    step,
    upper,
)


@dataclass(frozen=True, slots=True)
class Exponent:
    """Numbers of an exponential in one format.

    Attributes:
        lowest: below it the result rounds to 0.
        highest: largest j; from there on the result is infinite.
        ln4: 2 ln 2 in parts, the first with so few bits that its products with j are exact.
        coefficients: of the polynomial, from the highest power to that of r^2.
    """

    lowest: float
    highest: int
    ln4: tuple[float, ...]
    coefficients: tuple[float, ...]


EXPONENTS: Final = {
    "float32": Exponent(
        -105.0,
        64,
        (1.38629150390625, 2.8572120487399e-06),
        (0.00019609304659829756, 0.0014106335148473094, 0.0083361545441744, 0.041661176357725004,
         0.1666661270684713, 0.5000003549494774),
    ),
    "float16": Exponent(
        -18.0, 8, (1.375, 0.011294361), (0.0402, 0.1702, 0.5008)),
    "cbfloat16": Exponent(
        -28.0, 16, (1.375, 0.011294361), (0.0402, 0.1702, 0.5008)),
    "bfloat16": Exponent(
        -94.0, 64, (1.3862943611198906,), (0.165524096111975, 0.5144955858299234)),
}


EXPM1 = {
    "float32": Exponent(-18.0, 128, (0.693145751953125, 1.42860682e-06),
       (0.001381388050774436, 0.008369063461841861, 0.04166842182023611, 0.16666517762373165, 0.499999932536833)),
    "float16": Exponent(-9.0, 16, (0.6875, 0.0056471806), (0.1666266617657699, 0.5039791905168282)),
    "cbfloat16": Exponent(-9.0, 32, (0.6875, 0.0056471806), (0.1666266617657699, 0.5039791905168282)),
    "bfloat16": Exponent(-9.0, 128, (0.69314718,), (0.1666266617657699, 0.5039791905168282)),
}

def _reduction(layout, a, numbers: Exponent, highest, offset: int) -> tuple[Step, ...]:
    t, s = (layout.stream(name) for name in "ts")
    k = Stream("k", "int16")
    fb = layout.fraction_bits
    whole = 1.5 * 2.0 ** (23 if layout.dtype == "float32" else fb)
    pattern = 0 if layout.dtype == "float32" else (layout.power(fb) + (1 << (fb - 1)))
    count = lower(t) if layout.dtype == "float32" else upper(t)
    return (
        # t = -k
        step("fmul", t, a, -1/sum(numbers.ln4)),
        *([step("fmax", t, t, -numbers.highest)] if highest else []),
        step("fadd", t, t, whole),
        # s = 2^k
        step("sll16", k, count, fb),
        step("sub16", upper(s), (layout.power(offset) + (pattern << fb)) & 0xFFFF, k),
        *layout.lower_from(s, 0),
        # a = r
        step("fsub", t, t, whole),
        *(step("fmac", a, a, t, part) for part in numbers.ln4),
    )

def exponential(layout: Layout, result: Stream, x: Stream, dtype=None) -> tuple[Step, ...]:
    """e^x."""
    a, s, p = (layout.stream(name) for name in "asp")
    numbers = EXPONENTS[dtype or layout.dtype]
    return (
        step("fmax", a, x, numbers.lowest),
        *_reduction(layout, a, numbers, True, 0),
        *polynomial(p, a, (*numbers.coefficients, 1.0, 1.0)),
        step("fmul", p, p, s),
        step("fmul", result, p, s),
    )

def expm1(layout: Layout, result: Stream, x: Stream, dtype=None) -> tuple[Step, ...]:
    """e^x - 1."""
    a, s, p, t = (layout.stream(name) for name in "aspt")
    numbers = EXPM1[dtype or layout.dtype]
    return (
        step("fmax", a, x, numbers.lowest),
        *_reduction(layout, a, numbers, True, -1),
        step("fmul", t, a, a),
        *polynomial(p, a, numbers.coefficients),
        step("fmul", p, p, t),
        step("fadd", p, p, a),
        step("fmul", p, p, s),
        step("fsub", s, s, 0.5),
        step("fadd", p, p, s),
        step("fadd", result, p, p),
    )
