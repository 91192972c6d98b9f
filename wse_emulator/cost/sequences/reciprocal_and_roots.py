"""Reciprocal, division and square roots: a start value from the bits, then Newton's iteration."""

from __future__ import annotations

from wse_emulator.cost.sequences.steps import Layout, Step, Stream, step, upper


def _start(layout: Layout, x: Stream) -> tuple[Step, ...]:
    m, n, q, g = (layout.stream(name) for name in "mnqg")
    return (
        # m = 1 + f, the mantissa of x
        step("and16", upper(m), upper(x), layout.fraction),
        step("or16", upper(m), upper(m), layout.power(0)),
        *layout.lower_from(m, x),
        # n = 2 - f, from the upper word of f
        step("sub16", upper(n), layout.infinity, upper(m)),
        *layout.lower_from(n, 0),
        # q = n times a power of two; infinity for 0, 0 for infinity, NaN for NaN
        step("sub16", upper(q), layout.infinity, upper(x)),
        *layout.lower_from(q, 0),
        # g = 1/(m n), a straight line over 2 .. 2.25, off by 0.19 %
        step("fmul", g, m, n),
        step("fmul", g, g, G[layout.dtype][1]),
        step("fadd", g, g, G[layout.dtype][0]),
    )


def _residual(layout: Layout) -> tuple[Step, ...]:
    m, n, g, p, e = (layout.stream(name) for name in "mngpe")
    residual = (
        step("fmul", p, n, g),
        step("fmul", e, m, p),
        step("fsub", e, 1.0, e),
    )
    if layout.dtype != "float32":
        return residual
    return (
        *residual,
        step("fmul", p, e, e),
        step("fmac", e, e, p, C),
    )

C = 1.0028

def reciprocal(layout: Layout, result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/x."""
    g, q, e = (layout.stream(name) for name in "gqe")
    if layout.dtype == "bfloat16":
        return (*_start(layout, x), step("fmul", result, g, q))
    return (
        *_start(layout, x),
        *_residual(layout),
        step("fmul", g, g, q),
        step("fmul", e, e, g),
        step("fadd", result, e, g),
    )


def division(layout: Layout, result: Stream, x: Stream, y: Stream) -> tuple[Step, ...]:
    """x/y."""
    g, q, e, h, c, a = (layout.stream(name) for name in "gqehca")
    bits = Stream("bits", "int16")
    unit = 1 << layout.fraction_bits
    shift = 14 - layout.fraction_bits
    scale = (
        # h = 1/4 if 1/y is subnormal, else 1
        step("and16", bits, upper(y), 0x7FFF),
        step("add16", bits, bits, 0x8000 - layout.power(layout.bias - 1)),
        step("slr16", bits, bits, shift),
        step("and16", bits, bits, 2 * unit),
        step("sub16", upper(h), layout.power(0), bits),
        *layout.lower_from(h, 0),
        step("fmul", a, x, h),
        step("fmul", c, y, h),
    )
    if layout.dtype == "bfloat16":
        return (*scale, *_start(layout, c), step("fmul", g, g, q), step("fmul", result, g, a))
    return (
        *scale,
        *_start(layout, c),
        *_residual(layout),
        step("fmul", g, g, q),
        step("fmul", g, g, a),
        step("fmul", e, e, g),
        step("fadd", result, e, g),
    )


G = {
    "float32": (0.9385, -0.22022),
    "float16": (0.9380, -0.2202),
    "bfloat16": (0.94036, -0.22065),
    "cbfloat16": (0.9375, -0.2200),
}
