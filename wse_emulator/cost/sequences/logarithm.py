"""Logarithms: ln x = k ln 2 + ln(1 + f), and a polynomial in f."""

from __future__ import annotations

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

LN2 = {"float32": (0.693145751953125, 1.42860682e-06), "float16": (0.6875, 0.0056471806), "cbfloat16": (0.6875, 0.0056471806),
 "bfloat16": (0.69314718,)}
ROOT_HALF = {"float32": 0x3F35, "float16": 0x39A8, "cbfloat16": 0x3CD4}
SMALLEST = {"float32": 2.0**-149, "float16": 2.0**-24, "cbfloat16": 2.0**-39}
Q = {"float32": (0.0874647066173156, -0.1431549240636497, 0.14917670070114883, -0.1656951628954965, 0.19962002125925407, -0.25001789058466456, 0.33333952490786817, -0.499999913502182),
"float16": (0.17852473363566992, -0.2699687837434831, 0.33570395191957153, -0.499533616200176),
"cbfloat16": (0.17852473363566992, -0.2699687837434831, 0.33570395191957153, -0.499533616200176),
"bfloat16": (-0.22523179212468464, 0.350830193411658, -0.5018357490746544),
}

def logarithm(layout: Layout, result: Stream, x: Stream, dtype=None) -> tuple[Step, ...]:
    f, m = layout.stream("f"), layout.stream("m")
    return (*_exponent(layout, x, x), step("fsub", f, m, 1.0), *_logarithm(layout, result, dtype))

def _exponent(layout, x, special):
    m, q, k = (layout.stream(name) for name in "mqk")
    t = Stream("t", "int16"); v = Stream("v", "int16")
    fb = layout.fraction_bits
    half = 1 << (14 - fb)
    root = ROOT_HALF[layout.dtype]
    wide = layout.dtype == "float32"
    whole = 1.5 * 2.0 ** (23 if wide else fb)
    pattern = layout.power(fb) + (1 << (fb - 1))
    counted = (
        (step("slr16", lower(k), t, fb), step("mov16", upper(k), 0x4B40))
        if wide
        else (step("slr16", v, t, fb), step("add16", upper(k), v, pattern))
    )
    return (
        step("add16", t, upper(x), 0x4000 - root),
        *counted,
        step("and16", v, t, layout.fraction),
        step("add16", upper(m), v, root),
        *layout.lower_from(m, x),
        # specials
        step("sub16", upper(q), layout.infinity, upper(x)),
        *layout.lower_from(q, 0),
        step("fmac", k, k, q, -SMALLEST[layout.dtype]),
        step("fmac", k, k, special, SMALLEST[layout.dtype]),
        step("fsub", k, k, whole + half),
        step("sar16", t, upper(x), 15),
        step("or16", upper(k), upper(k), t),
    )

def _logarithm(layout, result, dtype=None):
    f, k, p, t = layout.stream("f"), layout.stream("k"), layout.stream("p"), layout.stream("s")
    first, *rest = LN2[dtype or layout.dtype]
    return (
        step("fmul", t, f, f),
        *polynomial(p, f, Q[dtype or layout.dtype]),
        step("fmul", p, p, t),
        *(step("fmac", p, p, k, part) for part in rest),
        step("fadd", p, p, f),
        step("fmac", result, p, k, first),
    )

def log1p(layout: Layout, result: Stream, x: Stream, dtype=None) -> tuple[Step, ...]:
    f, m, a, u, c, s = (layout.stream(name) for name in "fmaucs")
    v=Stream("v","int16")
    return (
        # a = -x, finite; u = 1 + x
        step("fneg", a, x),
        step("fmax", a, a, -BIG[layout.dtype]),
        step("fsub", u, 1.0, a),
        # c = what u lost
        step("fsub", c, 1.0, u),
        step("fsub", c, c, a),
        *_exponent(layout, u, x),
        # s = 2^-k
        step("sub16", v, upper(m), upper(u)),
        step("add16", upper(s), v, layout.power(0)),
        *layout.lower_from(s, 0),
        step("fmax", s, s, 0.0),
        step("fmul", c, c, s),
        step("fsub", f, m, 1.0),
        step("fadd", f, f, c),
        *_logarithm(layout, result, dtype),
    )
BIG={"float32":float(3.4028234663852886e38),"float16":65504.0,"cbfloat16":4290772992.0}
