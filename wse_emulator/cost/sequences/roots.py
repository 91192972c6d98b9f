"""Square roots: the exponent is halved, and a Newton step refines a start value from the bits."""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.sequences.steps import Layout, Step, Stream, step, upper

_LIFT: Final = {"float16": 7, "cbfloat16": 8}
"""16-bit formats whose subnormals are lifted: numbers below 2 are multiplied by 4**lift."""

_LINE: Final = {
    "float32": (1.01504, -0.30975),
    "float16": (1.0156, -0.3105),
    "bfloat16": (1.016, -0.3125),
    "cbfloat16": (1.0156, -0.3105),
}
"""1/sqrt(2 w) for w from 1 to 1.19 as a straight line, constant and slope: up to 0.28 % too small
(0.45 % in bfloat16), and never too large where w is that of infinity."""


def square_root(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """sqrt(x) = x * y with y = 1/sqrt(x)."""
    z, y, e, a = (layout.stream(name) for name in "zyea")
    return (
        *_inverse_root(layout, x, 0),
        step("fmul", z, z, a),
        step("fmul", z, z, y),
        step("fmul", e, e, z),
        step("fadd", result, e, z),
    )


def reciprocal_root(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/sqrt(x)."""
    z, y, e, a, q = (layout.stream(name) for name in "zyeaq")
    bits = Stream("bits", "int16")
    small = -(layout.bias + 3) // 2
    halve = "fscale" if layout.dtype == "float32" else "fmul"
    return (
        *_inverse_root(layout, x, 1),
        # a = 0 for infinity
        step("sub16", bits, upper(z), layout.infinity),
        step("sar16", bits, bits, 15),
        step("and16", upper(a), upper(a), bits),
        step("fmul", y, y, a),
        step("fmul", e, e, y),
        step("fadd", y, e, y),
        # q = infinity for 0, NaN for NaN, else less than the result
        step("sub16", upper(q), layout.infinity, upper(z)),
        *layout.lower_from(q, 0),
        step(halve, q, q, small if halve == "fscale" else 2.0**small),
        step("fmax", result, y, q),
    )


def _inverse_root(layout: Layout, x: Stream, power: int) -> tuple[Step, ...]:
    """y, a and e: 1/sqrt(z) = a (y + y e), where z is x, lifted if it may be subnormal.

    z = m 4^j with m in [1/2, 2); a is 2^-j, times what undoes the lift.
    """
    h, y, e, a, z, p = (layout.stream(name) for name in "hyeazp")
    t, b, v = (Stream(name, "int16") for name in ("t", "b", "v"))
    unit = 1 << layout.fraction_bits
    lift = _LIFT.get(layout.dtype, 0)
    constant, slope = _LINE[layout.dtype]
    sign = 1 if power else -1
    middle = (layout.bias + (layout.bias - 1) // 2 + sign * lift) * unit
    lifted = (
        step("slr16", b, upper(z), 1),
        step("and16", b, b, 0x2000),
        step("sub16", upper(h), layout.power(lift), b),
        step("fmul", z, z, h),
        step("fmul", z, z, h),
    )
    undone = (step("sub16" if power else "add16", upper(a), upper(a), b),)
    second = (
        step("fmul", p, e, e),
        step("fmac", e, e, p, 1.5053),
    )
    return (
        step("fadd", z, x, 0.0),  # -0 becomes 0
        *(lifted if lift else ()),
        # h = m/2
        step("slr16", t, upper(z), 1),
        step("and16", upper(h), upper(z), 2 * unit - 1),
        step("add16", upper(h), upper(h), layout.power(-2)),
        *layout.lower_from(h, z),
        # a = 2^-j
        step("and16", v, t, 0x4000 - unit),
        step("sub16", upper(a), middle, v),
        *layout.lower_from(a, 0),
        *(undone if lift else ()),
        # y = sqrt(2/m), up to 6 % too large; NaN if the sign is set
        step("and16", v, t, 0x4000 + unit - 1),
        step("sub16", upper(y), 0x3FFF, v),
        *layout.lower_from(y, 0x8000),
        # y = 1/sqrt(m)
        step("fmul", p, h, y),
        step("fmul", p, p, y),
        step("fmul", p, p, slope),
        step("fadd", p, p, constant),
        step("fmul", y, y, p),
        # e = (1/sqrt(m) - y)/y
        step("fmul", e, h, y),
        step("fmul", e, e, y),
        step("fsub", e, 0.5, e),
        *(second if layout.dtype == "float32" else ()),
    )
