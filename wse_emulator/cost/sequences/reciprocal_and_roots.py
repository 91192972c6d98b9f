"""Reciprocal, division and square roots: a start value from the bits, then Newton's iteration."""

from __future__ import annotations

from wse_emulator.cost.sequences.steps import Step, Stream, lower, step, upper


def reciprocal(result: Stream, x: Stream) -> tuple[Step, ...]:
    """1/x in float32."""
    m, n, q, g, p, e = (Stream(name, "float32") for name in "mnqgpe")
    return (
        # m = 1 + f, the mantissa of x
        step("and16", upper(m), upper(x), 0x007F),
        step("or16", upper(m), upper(m), 0x3F80),
        step("mov16", lower(m), lower(x)),
        # n = 2 - f, by the first 7 bits of f
        step("sub16", upper(n), 0x7F80, upper(m)),
        step("mov16", lower(n), 0),
        # q = n times a power of two; infinity for 0, 0 for infinity, NaN for NaN
        step("sub16", upper(q), 0x7F80, upper(x)),
        step("mov16", lower(q), 0),
        # g = 1/(m n)
        step("fmul", g, m, n),
        step("fmul", g, g, -0.22065),
        step("fadd", g, g, 0.94036),
        step("fmul", p, n, g),
        step("fmul", e, m, p),
        step("fsub", e, 1.0, e),
        step("fmul", p, e, e),
        step("fadd", e, e, p),
        step("fmul", g, g, q),
        step("fmul", e, e, g),
        step("fadd", result, e, g),
    )
