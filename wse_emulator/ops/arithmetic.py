"""Sums, products, quotients and powers of elements, as instructions."""

from __future__ import annotations

from wse_emulator.cost.kernel import Kernel, Operand, scalar_argument
from wse_emulator.ops.call import Call
from wse_emulator.ops.table import op
from wse_emulator.wafer.formats import is_float

BOTH = ("self", "other")
"""The two operands of a binary op are streamed together."""


def pair(call: Call) -> tuple[Operand, Operand]:
    """The two operands of a binary op, either of which may be a Python number."""
    return call.operand("self"), call.operand("other")


@op("add", "sub", cost="add; multiply-add if a factor `alpha` comes with it", streams=BOTH)
def _add(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    if call.number("alpha") in (1, -1) or y.constant:
        return kernel.emit("add", x, y, dtype=call.dtype)
    if y.vector:
        return kernel.emit("fma", x, y, dtype=call.dtype)
    return kernel.emit("add", x, kernel.emit("mul", y), dtype=call.dtype)


@op("rsub", cost="as `sub`", streams=BOTH)
def _rsub(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    if call.number("alpha") == 1:
        return kernel.emit("add", x, y, dtype=call.dtype)
    return kernel.emit("fma", y, x, dtype=call.dtype)


@op("mul", cost="mul; one logic op between masks", streams=BOTH)
def _mul(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    if call.dtype == "bool":  # as isfinite() joins two comparisons
        return kernel.bits(*(z for z in (x, y) if not z.constant), dtype=call.dtype)
    return kernel.emit("mul", x, y, dtype=call.dtype)


@op(
    "div",
    "true_divide",
    cost="mul by a known reciprocal (number); scalar division and mul (0-dim tensor); division "
    "(vector); with `rounding_mode` the steps of `floor` or `round`",
)
def _div(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    mode = call.word("rounding_mode")
    wide = call.dtype if is_float(call.dtype) else x.dtype
    quotient = kernel.divide(x, y, wide)
    return quotient if mode is None else round_steps(kernel, quotient, mode)


@op("floor_divide", cost="as `div`, then as `floor`")
def _floor_divide(kernel: Kernel, call: Call) -> Operand:
    x, y = pair(call)
    return round_steps(kernel, kernel.divide(x, y, call.dtype), "floor")


@op("remainder", "fmod", cost="as `floor_divide`, then one multiply-add")
def _remainder(kernel: Kernel, call: Call) -> Operand:
    """x - y * floor(x / y); between integers the division leaves it."""
    x, y = pair(call)
    if not is_float(call.dtype) and not y.vector:
        # integer division has no multiply by a reciprocal: the divisor is not exact in it
        kernel.divide(x, Operand(call.dtype, vector=False), call.dtype)
        return kernel.emit("fma", x, Operand(call.dtype, vector=x.vector), dtype=call.dtype)
    whole = round_steps(kernel, kernel.divide(x, y, call.dtype), "floor")
    return kernel.emit("fma", x, whole, dtype=call.dtype)


def round_steps(kernel: Kernel, x: Operand, mode: str) -> Operand:
    """Rounding by adding and subtracting 1.5*2^23; floor and trunc correct it by a mask."""
    if not is_float(x.dtype):
        return x
    nearest = kernel.emit("add", x, scalar_argument(x.dtype), passes=2)
    if mode == "round":
        return nearest
    mask = kernel.sign_mask(kernel.emit("add", x, nearest))
    step = kernel.bits(mask, scalar_argument(x.dtype), dtype=x.dtype)
    return kernel.emit("add", nearest, step)


@op("round", cost="two adds of 1.5 * 2^23")
def _round(kernel: Kernel, call: Call) -> Operand:
    return round_steps(kernel, call.operand("self"), "round")


@op("floor", "ceil", "trunc", cost="two adds of 1.5 * 2^23, a correction by a mask")
def _floor(kernel: Kernel, call: Call) -> Operand:
    return round_steps(kernel, call.operand("self"), "floor")


@op(
    "lerp",
    cost="add (b - a), fma; add, mul, add if the weight is a vector",
    streams=("self", "end"),
)
def _lerp(kernel: Kernel, call: Call) -> Operand:
    """a + w*(b - a)."""
    start, end, weight = (call.operand(name) for name in ("self", "end", "weight"))
    difference = kernel.emit("add", end, start)
    if weight.vector:
        return kernel.emit("add", start, kernel.emit("mul", weight, difference), dtype=call.dtype)
    return kernel.emit("fma", start, difference, dtype=call.dtype)


# the product b*c is a temporary, which can lie anywhere when a meets it
@op("addcmul", cost="mul, fma; one fma if b or c is 0-dim", streams=("tensor1", "tensor2"))
def _addcmul(kernel: Kernel, call: Call) -> Operand:
    """a + value*b*c; a factor in a register makes it one multiply-add."""
    a, b, c = (call.operand(name) for name in ("self", "tensor1", "tensor2"))
    if b.vector and c.vector:
        return _accumulate(kernel, call, a, kernel.emit("mul", b, c))
    scale = b if not b.vector else c
    stream = c if not b.vector else b
    if call.number("value") not in (1, -1):
        kernel.emit("mul", scale)
    return kernel.emit("fma", a, stream, dtype=call.dtype)


@op(
    "addcdiv",
    cost="division, fma; scalar division and fma if c is 0-dim",
)
def _addcdiv(kernel: Kernel, call: Call) -> Operand:
    """a + value*b/c."""
    a, b, c = (call.operand(name) for name in ("self", "tensor1", "tensor2"))
    if not c.vector:
        kernel.divide(scalar_argument(c.dtype), c, c.dtype)
        if call.number("value") not in (1, -1):
            kernel.emit("mul", c)
        return kernel.emit("fma", a, b, dtype=call.dtype)
    if not b.vector:
        kernel.emit("mul", b)
        return kernel.emit("fma", a, kernel.function("reciprocal", c), dtype=call.dtype)
    return _accumulate(kernel, call, a, kernel.divide(b, c, call.dtype))


def _accumulate(kernel: Kernel, call: Call, a: Operand, product: Operand) -> Operand:
    op_class = "add" if call.number("value") in (1, -1) else "fma"
    return kernel.emit(op_class, a, product, dtype=call.dtype)


@op(
    "pow",
    cost="products for small whole exponents; square root and reciprocal for halves; else log, "
    "mul, exp",
)
def _pow(kernel: Kernel, call: Call) -> Operand:
    base, exponent = call.operand("self"), call.operand("exponent")
    if not exponent.constant:  # of a number that is the base, the logarithm is known
        grown = base if base.constant else kernel.function("log", base)
        return kernel.function("exp", kernel.emit("mul", grown, exponent, dtype=call.dtype))
    return _static_power(kernel, base, float(call.number("exponent")), call.dtype)


def _static_power(kernel: Kernel, x: Operand, exponent: float, dtype: str) -> Operand:
    """x ** number: products for small whole exponents, roots for halves, else exp(y ln x)."""
    halves = {0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}
    if exponent in halves:
        return kernel.function(halves[exponent], x)
    if exponent.is_integer() and 0 <= exponent <= 16:
        whole = int(exponent)
        # repeated squaring: one product a bit below the top one, one more for each bit set
        for _ in range(max(0, whole.bit_length() - 1 + whole.bit_count() - 1)):
            kernel.emit("mul", x, x, dtype=dtype)
        return kernel.fill(dtype, vector=x.vector) if whole == 0 else Operand(dtype, x.vector)
    power = kernel.emit("mul", kernel.function("log", x), scalar_argument(dtype), dtype=dtype)
    return kernel.function("exp", power)


@op("square", cost="mul")
def _square(kernel: Kernel, call: Call) -> Operand:
    return kernel.emit("mul", call.operand("self"), dtype=call.dtype)
