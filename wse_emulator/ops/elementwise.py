"""Element-wise tensor ops as instructions.

Each rule takes the op as the tracer recorded it and writes it on a kernel. A tensor argument that
an in-place op only overwrites (``copy_``, ``fill_``) is no source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wse_emulator.cost.kernel import Kernel, Operand, number
from wse_emulator.program import Scalar
from wse_emulator.wafer.formats import is_float


@dataclass(frozen=True, slots=True)
class Call:
    """An op as the rules see it; hashable, so costs are kept by it.

    Attributes:
        name: base name, without namespace, overload and underscore.
        overload: overload name (``Tensor_Scalar``).
        dtype: format of the result.
        result_vector: the result has more than one element.
        operands: tensor arguments in order.
        scalars: Python arguments in order.
        inner: length of the contracted axis of a matrix product, else 0.
        keeps_last_axis: a reduction whose result still has the operand's last axis.
    """

    name: str
    overload: str
    dtype: str
    result_vector: bool
    operands: tuple[Operand, ...]
    scalars: tuple[Scalar, ...]
    inner: int = 0
    keeps_last_axis: bool = False

    def numbers(self) -> tuple[float, ...]:
        """The Python numbers among the arguments, flags left out."""
        return tuple(
            x for x in self.scalars if isinstance(x, int | float) and not isinstance(x, bool)
        )

    def factor(self, position: int = 0) -> float:
        """A trailing factor such as ``alpha`` or ``value``; 1 if it was not given."""
        numbers = self.numbers()
        return numbers[position] if len(numbers) > position else 1.0

    def pair(self) -> tuple[Operand, Operand]:
        """The two operands of a binary op, either of which may be a Python number."""
        if len(self.operands) > 1:
            return self.operands[0], self.operands[1]
        return self.operands[0], number(self.operands[0].dtype)


Rule = Callable[[Kernel, Call], Operand]


def _add(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    alpha = call.factor(0 if len(call.operands) > 1 else 1)
    if alpha in (1, -1) or y.constant:
        return kernel.emit("add", x, y, dtype=call.dtype)
    if y.vector:
        return kernel.emit("fma", x, y, dtype=call.dtype)
    return kernel.emit("add", x, kernel.emit("mul", y), dtype=call.dtype)


def _rsub(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    if call.factor(0 if len(call.operands) > 1 else 1) == 1:
        return kernel.emit("add", x, y, dtype=call.dtype)
    return kernel.emit("fma", y, x, dtype=call.dtype)


def _mul(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    return kernel.emit("mul", x, y, dtype=call.dtype)


def _div(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    modes = [s for s in call.scalars if isinstance(s, str)]
    wide = call.dtype if is_float(call.dtype) else x.dtype
    quotient = kernel.divide(x, y, wide)
    return _floor_steps(kernel, quotient, modes[0]) if modes else quotient


def _floor_divide(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    return _floor_steps(kernel, kernel.divide(x, y, call.dtype), "floor")


def _remainder(kernel: Kernel, call: Call) -> Operand:
    """x - y * floor(x / y); between integers the division leaves it."""
    x, y = call.pair()
    if not is_float(call.dtype) and not y.vector:
        # integer division has no multiply by a reciprocal: the divisor is not exact in it
        kernel.divide(x, Operand(call.dtype, vector=False), call.dtype)
        return kernel.emit("fma", x, Operand(call.dtype, vector=x.vector), dtype=call.dtype)
    whole = _floor_steps(kernel, kernel.divide(x, y, call.dtype), "floor")
    return kernel.emit("fma", x, whole, dtype=call.dtype)


def _floor_steps(kernel: Kernel, x: Operand, mode: str) -> Operand:
    """Rounding by adding and subtracting 1.5*2^23; floor and trunc correct it by a mask."""
    if not is_float(x.dtype):
        return x
    nearest = kernel.emit("add", x, number(x.dtype), passes=2)
    if mode == "round":
        return nearest
    mask = kernel.sign_mask(kernel.emit("add", x, nearest))
    step = kernel.bits(mask, number(x.dtype), dtype=x.dtype)
    return kernel.emit("add", nearest, step)


def _rounding(kernel: Kernel, call: Call) -> Operand:
    return _floor_steps(kernel, call.operands[0], "round" if call.name == "round" else "floor")


def _lerp(kernel: Kernel, call: Call) -> Operand:
    """a + w*(b - a)."""
    start, end = call.operands[:2]
    weight = call.operands[2] if len(call.operands) > 2 else number(start.dtype)
    difference = kernel.emit("add", end, start)
    if weight.vector:
        return kernel.emit("add", start, kernel.emit("mul", weight, difference), dtype=call.dtype)
    return kernel.emit("fma", start, difference, dtype=call.dtype)


def _addcmul(kernel: Kernel, call: Call) -> Operand:
    """a + value*b*c; a factor in a register makes it one multiply-add."""
    a, b, c = call.operands[:3]
    if b.vector and c.vector:
        return _accumulate(kernel, call, a, kernel.emit("mul", b, c))
    scale = b if not b.vector else c
    stream = c if not b.vector else b
    if call.factor() not in (1, -1):
        kernel.emit("mul", scale)
    return kernel.emit("fma", a, stream, dtype=call.dtype)


def _addcdiv(kernel: Kernel, call: Call) -> Operand:
    """a + value*b/c."""
    a, b, c = call.operands[:3]
    if not c.vector:
        kernel.divide(number(c.dtype), c, c.dtype)
        if call.factor() not in (1, -1):
            kernel.emit("mul", c)
        return kernel.emit("fma", a, b, dtype=call.dtype)
    inverse = kernel.function("reciprocal", c)
    if not b.vector:
        kernel.emit("mul", b)
        return kernel.emit("fma", a, inverse, dtype=call.dtype)
    return _accumulate(kernel, call, a, kernel.emit("mul", b, inverse))


def _accumulate(kernel: Kernel, call: Call, a: Operand, product: Operand) -> Operand:
    op_class = "add" if call.factor() in (1, -1) else "fma"
    return kernel.emit(op_class, a, product, dtype=call.dtype)


def _pow(kernel: Kernel, call: Call) -> Operand:
    if len(call.operands) > 1:
        base, exponent = call.operands
        power = kernel.emit("mul", kernel.function("log", base), exponent, dtype=call.dtype)
        return kernel.function("exp", power)
    if call.overload == "Scalar":  # number ** tensor: its logarithm is known before the run
        power = kernel.emit("mul", call.operands[0], number(call.dtype), dtype=call.dtype)
        return kernel.function("exp", power)
    return _static_power(kernel, call.operands[0], float(call.factor()), call.dtype)


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
    power = kernel.emit("mul", kernel.function("log", x), number(dtype), dtype=dtype)
    return kernel.function("exp", power)


def _square(kernel: Kernel, call: Call) -> Operand:
    return kernel.emit("mul", call.operands[0], dtype=call.dtype)


def _function(name: str) -> Rule:
    def rule(kernel: Kernel, call: Call) -> Operand:
        x = call.operands[0]
        wide = x if is_float(x.dtype) else kernel.emit("convert", x, dtype="float32")
        return kernel.function(name, wide)

    return rule


def _around_exponential(kernel: Kernel, call: Call) -> Operand:
    """expm1, log1p: the function and one addition."""
    x = call.operands[0]
    inner = "exp" if call.name == "expm1" else "log"
    return kernel.function(inner, kernel.emit("add", x, number(x.dtype)))


def _sigmoid(kernel: Kernel, call: Call) -> Operand:
    """1 / (1 + e^-x); tanh is the same of 2x, scaled."""
    x = call.operands[0]
    grown = kernel.emit("add", kernel.function("exp", kernel.emit("sign", x)), number(x.dtype))
    inverse = kernel.divide(number(x.dtype), grown, x.dtype)
    if call.name == "tanh":
        return kernel.emit("add", kernel.emit("mul", inverse), number(x.dtype))
    return inverse


def _unary(op_class: str) -> Rule:
    def rule(kernel: Kernel, call: Call) -> Operand:
        return kernel.emit(op_class, call.operands[0], dtype=call.dtype)

    return rule


def _extremum(kernel: Kernel, call: Call) -> Operand:
    x, y = call.pair()
    return kernel.emit("max", x, y, dtype=call.dtype)


def _clamp(kernel: Kernel, call: Call) -> Operand:
    """One maximum or minimum a bound that is given."""
    x = call.operands[0]
    bounds = list(call.operands[1:]) + [number(x.dtype)] * len(call.numbers())
    result = x
    for bound in bounds:
        result = kernel.emit("max", result, bound, dtype=call.dtype)
    return result


def _sign(kernel: Kernel, call: Call) -> Operand:
    """min(max(x * 2^127, -1), 1), which is x's sign, and 0 at 0."""
    x = kernel.emit("mul", call.operands[0], number(call.dtype), dtype=call.dtype)
    return kernel.emit("max", x, number(call.dtype), dtype=call.dtype, passes=2)


def _compare(kernel: Kernel, call: Call) -> Operand:
    """Order: the sign of the difference, spread to a mask; ge and le invert it."""
    x, y = call.pair()
    mask = kernel.sign_mask(kernel.emit("add", x, y))
    return kernel.bits(mask, dtype="bool") if call.name in ("ge", "le") else mask


def _equal(kernel: Kernel, call: Call) -> Operand:
    """Equality: exclusive or, its halves joined, and the sign of t or -t."""
    x, y = call.pair()
    difference = kernel.bits(x, y, dtype=x.dtype)
    joined = kernel.bits(difference, dtype="bool", passes=3)
    return kernel.sign_mask(joined)


def _finite(kernel: Kernel, call: Call) -> Operand:
    """isfinite, isinf, isnan: the exponent bits against all ones."""
    joined = kernel.bits(call.operands[0], dtype="bool", passes=2)
    return kernel.sign_mask(joined)


def _where(kernel: Kernel, call: Call) -> Operand:
    """b ^ ((a ^ b) & mask), 16 bits at a time."""
    mask = call.operands[0]
    rest = list(call.operands[1:])
    rest += [number(call.dtype)] * (2 - len(rest))
    a, b = rest
    static = a.constant and b.constant
    mixed = number(call.dtype) if static else kernel.bits(a, b, dtype=call.dtype)
    chosen = kernel.bits(mixed, mask, dtype=call.dtype)
    return kernel.bits(chosen, b, dtype=call.dtype)


def _masked_fill(kernel: Kernel, call: Call) -> Operand:
    x, mask = call.operands[:2]
    kept = kernel.bits(x, mask, dtype=call.dtype)
    chosen = kernel.bits(mask, dtype=call.dtype)
    return kernel.bits(kept, chosen, dtype=call.dtype)


def _bitwise(kernel: Kernel, call: Call) -> Operand:
    operands = call.operands[:2]
    return kernel.bits(*operands, dtype=call.dtype)


def _copy(kernel: Kernel, call: Call) -> Operand:
    """A move, or a conversion between formats; ``copy_`` only overwrites its first argument."""
    source = call.operands[1] if call.name == "copy" else call.operands[0]
    if call.result_vector and not source.vector:
        return kernel.fill(call.dtype, vector=True)
    alike = source.dtype == call.dtype
    return kernel.emit("move" if alike else "convert", source, dtype=call.dtype)


def _gather(kernel: Kernel, call: Call) -> Operand:
    """stack, cat: every element is moved once."""
    source = Operand(call.dtype, vector=call.result_vector)
    return kernel.emit("move", source, dtype=call.dtype)


def _fill(kernel: Kernel, call: Call) -> Operand:
    return kernel.fill(call.dtype, vector=call.result_vector)


_NAMES: Final[tuple[tuple[Rule, str], ...]] = (
    (_add, "add sub"),
    (_rsub, "rsub"),
    (_mul, "mul"),
    (_div, "div true_divide"),
    (_floor_divide, "floor_divide"),
    (_remainder, "remainder fmod"),
    (_rounding, "floor ceil round trunc"),
    (_lerp, "lerp"),
    (_addcmul, "addcmul"),
    (_addcdiv, "addcdiv"),
    (_pow, "pow"),
    (_square, "square"),
    (_function("sqrt"), "sqrt"),
    (_function("rsqrt"), "rsqrt"),
    (_function("reciprocal"), "reciprocal"),
    (_function("exp"), "exp exp2"),
    (_function("log"), "log log2 log10"),
    (_function("cos"), "cos sin"),
    (_around_exponential, "expm1 log1p"),
    (_sigmoid, "sigmoid tanh"),
    (_unary("sign"), "neg abs"),
    (_extremum, "maximum minimum fmax fmin"),
    (_clamp, "clamp clamp_min clamp_max"),
    (_sign, "sign sgn"),
    (_compare, "gt lt ge le"),
    (_equal, "eq ne"),
    (_finite, "isfinite isinf isnan"),
    (_where, "where"),
    (_masked_fill, "masked_fill"),
    (
        _bitwise,
        "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
        "bitwise_not",
    ),
    (_copy, "copy clone _to_copy to contiguous"),
    (_gather, "stack cat"),
    (_fill, "fill zero full full_like zeros zeros_like ones ones_like scalar_tensor new_full"),
)

ELEMENTWISE: Final = {name: rule for rule, names in _NAMES for name in names.split()}
"""Base name -> rule."""
