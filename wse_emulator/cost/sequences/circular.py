"""Cosine and sine: x = k pi + r, and an odd polynomial in r, which keeps zeros exact."""

from __future__ import annotations

from wse_emulator.cost.sequences.steps import Layout, Step, Stream, lower, polynomial, step, upper

PI = {"float32": (3.1415927410125732, -8.742277657347586e-08, -3.4302490200117637e-15),
 "bfloat16": (3.140625, 9.6765358979e-4),
}
PI["float16"]=(3.140625, 9.6765358979e-4)
PI["cbfloat16"]=(3.140625, 9.6765358979e-4)
Q = {"float32": (2.6051820760706644e-06, -0.00019809346547277457, 0.008333062968333537, -0.16666659432755418),
 "float16": (-0.00018537040135983387, 0.008314119932379942, -0.16665843190139085),
 "cbfloat16": (-0.00018537040135983387, 0.008314119932379942, -0.16665843190139085),
 "bfloat16": (0.007653849387958254, -0.1661247983421751),}


def _turn(layout: Layout, result: Stream, x: Stream, half: float, dtype=None):
    t, r, z, p = (layout.stream(name) for name in "trzp")
    k = Stream("k", "int16")
    dtype = dtype or layout.dtype
    whole = 1.5 * 2.0 ** (23 if layout.dtype == "float32" else layout.fraction_bits)
    count = lower(t) if layout.dtype == "float32" else upper(t)
    first, *rest = PI[dtype]
    before = (step("fadd", t, t, 0.5),) if half else ()
    after = (step("fsub", t, t, 0.5),) if half else ()
    return (
        step("fmul", t, x, 0.31830988618),
        *before,
        step("fadd", t, t, whole),
        step("sll16", k, count, 15),
        step("fsub", t, t, whole),
        *after,
        step("fmac", r, x, t, -first),
        *(step("fmac", r, r, t, -part) for part in rest),
        step("fmul", z, r, r),
        *((step("fmul", p, z, Q[dtype][0]), ) if len(Q[dtype]) == 2 else (*polynomial(p, z, Q[dtype][:-1]),
        step("fmul", p, p, z))),
        step("fmul", z, z, r),
        step("fmul", p, p, z),
        step("fmac", p, p, z, Q[dtype][-1]),
        step("fadd", p, p, r),
        step("xor16", upper(p), upper(p), k),
    )

def cosine(layout, result, x, dtype=None):
    s=_turn(layout, result, x, 0.5, dtype)
    return _end(layout, result, s, 0x8000)

def sine(layout, result, x, dtype=None):
    s=_turn(layout, result, x, 0.0, dtype)
    return _end(layout, result, s, 0)

def _end(layout, result, steps, flip):
    p=layout.stream("p"); k=Stream("k","int16")
    *body, last_add, last_xor = steps
    r=layout.stream("r")
    # cos x = sin(k pi + ... ) sign
    return (*body, step("fadd", result, p, r),
      step("xor16", upper(result), upper(result), k)) if not flip else (
      *body, step("fadd", result, p, r), step("xor16", upper(result), upper(result), k))
