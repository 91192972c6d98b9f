"""Functions, comparisons and choices of elements, as instructions.

A tensor argument that an in-place op only overwrites (``copy_``, ``fill_``) is no source.
"""

from __future__ import annotations

from wse_emulator.cost.kernel import Kernel, Operand, scalar_argument
from wse_emulator.ops.arithmetic import BOTH, pair
from wse_emulator.ops.axes import FRESH, JOINED
from wse_emulator.ops.call import Call
from wse_emulator.ops.table import Rule, op
from wse_emulator.wafer.formats import is_float


def _function(name: str) -> Rule:
    def rule(kernel: Kernel, call: Call) -> Operand:
        x = call.operand("self")
        wide = x if is_float(x.dtype) else kernel.emit("convert", x, dtype="float32")
        return kernel.function(name, wide)

    return rule


op("sqrt", cost="square root")(_function("sqrt"))
op("rsqrt", cost="reciprocal square root")(_function("rsqrt"))
op("reciprocal", cost="reciprocal")(_function("reciprocal"))
op("exp", "exp2", cost="exponential")(_function("exp"))
op("log", "log2", "log10", cost="logarithm")(_function("log"))
op("cos", cost="cosine")(_function("cos"))
op("sin", cost="as `cos`")(_function("sin"))
op("erf", cost="error function")(_function("erf"))


@op("expm1", cost="add, exponential; one function in vector form")
def _expm1(kernel: Kernel, call: Call) -> Operand:
    x = call.operand("self")
    if not kernel.calls_library(x):
        return kernel.function("expm1", x)
    return kernel.function("exp", kernel.emit("add", x, scalar_argument(x.dtype)))


@op("log1p", cost="add, logarithm; one function in vector form")
def _log1p(kernel: Kernel, call: Call) -> Operand:
    x = call.operand("self")
    if not kernel.calls_library(x):
        return kernel.function("log1p", x)
    return kernel.function("log", kernel.emit("add", x, scalar_argument(x.dtype)))


@op("sigmoid", cost="negate, exponential, add, reciprocal; one function in vector form")
def _sigmoid(kernel: Kernel, call: Call) -> Operand:
    """1 / (1 + e^-x)."""
    x = call.operand("self")
    if not kernel.calls_library(x):
        return kernel.function("sigmoid", x)
    grown = kernel.emit(
        "add", kernel.function("exp", kernel.emit("sign", x)), scalar_argument(x.dtype)
    )
    return kernel.divide(scalar_argument(x.dtype), grown, x.dtype)


op("tanh", cost="hyperbolic tangent")(_function("tanh"))


@op("neg", "abs", cost="sign")
def _sign_bit(kernel: Kernel, call: Call) -> Operand:
    return kernel.emit("sign", call.operand("self"), dtype=call.dtype)


@op(
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "max.other",
    "min.other",
    "max.out",
    "min.out",
    cost="max",
    streams=BOTH,
)
def _extremum(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    return kernel.emit("max", x, y, dtype=call.dtype)


@op("clamp", "clamp_min", "clamp_max", cost="one max a bound", streams=("self", "min", "max"))
def _clamp(kernel: Kernel, call: Call) -> Operand:
    """One maximum or minimum a bound that is given."""
    result = call.operand("self")
    for bound in ("min", "max"):
        if call.given(bound):
            result = kernel.emit("max", result, call.operand(bound), dtype=call.dtype)
    return result


@op("sign", "sgn", cost="mul by a huge number, two max")
def _sign(kernel: Kernel, call: Call) -> Operand:
    """min(max(x * 2^127, -1), 1), which is x's sign, and 0 at 0."""
    x = kernel.emit("mul", call.operand("self"), scalar_argument(call.dtype), dtype=call.dtype)
    return kernel.emit("max", x, scalar_argument(call.dtype), dtype=call.dtype, passes=2)


def _order(kernel: Kernel, call: Call) -> Operand:
    """The sign of the difference, spread to a mask."""
    x, y = pair(call)
    return kernel.sign_mask(kernel.emit("add", x, y))


op("gt", "lt", cost="add, shift (the sign bit spread to a mask)", streams=BOTH)(_order)


@op("ge", "le", cost="as `gt`, then one logic op that inverts it", streams=BOTH)
def _at_least(kernel: Kernel, call: Call) -> Operand:
    return kernel.bits(_order(kernel, call), dtype="bool")


@op("eq", "ne", cost="logic ops on the halves, shift", streams=BOTH)
def _equal(kernel: Kernel, call: Call) -> Operand:
    """Equality: exclusive or, its halves joined, and the sign of t or -t."""
    x, y = pair(call)
    difference = kernel.bits(x, y, dtype=x.dtype)
    joined = kernel.bits(difference, dtype="bool", passes=3)
    return kernel.sign_mask(joined)


@op("isfinite", "isinf", "isnan", "isposinf", "isneginf", cost="logic ops on the halves, shift")
def _finite(kernel: Kernel, call: Call) -> Operand:
    """The exponent bits against all ones."""
    joined = kernel.bits(call.operand("self"), dtype="bool", passes=2)
    return kernel.sign_mask(joined)


@op("where", cost="three logic ops: b ^ ((a ^ b) & m)", streams=BOTH)
def _where(kernel: Kernel, call: Call) -> Operand:
    """b ^ ((a ^ b) & mask), 16 bits at a time."""
    mask = call.operand("condition")
    a, b = (
        x if not x.constant else scalar_argument(call.dtype)
        for x in (call.operand("self"), call.operand("other"))
    )
    static = a.constant and b.constant
    mixed = scalar_argument(call.dtype) if static else kernel.bits(a, b, dtype=call.dtype)
    chosen = kernel.bits(mixed, mask, dtype=call.dtype)
    return kernel.bits(chosen, b, dtype=call.dtype)


@op("masked_fill", cost="three logic ops", streams=("self", "mask"))
def _masked_fill(kernel: Kernel, call: Call) -> Operand:
    x, mask = call.operand("self"), call.operand("mask")
    kept = kernel.bits(x, mask, dtype=call.dtype)
    chosen = kernel.bits(mask, dtype=call.dtype)
    return kernel.bits(kept, chosen, dtype=call.dtype)


@op(
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    cost="one logic op",
    streams=BOTH,
)
def _bitwise(kernel: Kernel, call: Call) -> Operand:
    tensors = [x for x in pair(call) if not x.constant]
    return kernel.bits(*tensors, dtype=call.dtype)


@op("logical_not", "bitwise_not", cost="one logic op")
def _not(kernel: Kernel, call: Call) -> Operand:
    return kernel.bits(call.operand("self"), dtype=call.dtype)


def _moved(kernel: Kernel, call: Call, source: Operand) -> Operand:
    if call.result_vector and not source.vector:
        return kernel.fill(call.dtype, vector=True)
    alike = source.dtype == call.dtype
    return kernel.emit("move" if alike else "convert", source, dtype=call.dtype)


@op("copy", cost="move; convert between formats")
def _copy(kernel: Kernel, call: Call) -> Operand:
    """``copy_`` only overwrites its first argument."""
    return _moved(kernel, call, call.operand("src"))


@op("clone", "_to_copy", "to", "contiguous", cost="move; convert between formats")
def _clone(kernel: Kernel, call: Call) -> Operand:
    return _moved(kernel, call, call.operand("self"))


@op("stack", "cat", cost="move, every element once", axes=JOINED)
def _gather(kernel: Kernel, call: Call) -> Operand:
    source = Operand(call.dtype, vector=call.result_vector)
    return kernel.emit("move", source, dtype=call.dtype)


@op(
    "fill",
    "zero",
    "full",
    "full_like",
    "zeros",
    "zeros_like",
    "ones",
    "ones_like",
    "scalar_tensor",
    "new_full",
    "new_zeros",
    "new_ones",
    cost="move without a source",
    axes=FRESH,
)
def _fill(kernel: Kernel, call: Call) -> Operand:
    return kernel.fill(call.dtype, vector=call.result_vector)
