"""Reductions and products of matrices: the part that a PE does on its own shard.

The sum over PEs is a collective and is costed by the fabric. ``elements`` is the shard of the
operand for a reduction, of the result for a product of matrices.
"""

from __future__ import annotations

from wse_emulator.cost.kernel import Kernel, Operand, scalar_argument
from wse_emulator.ops.axes import REDUCTION, einsum
from wse_emulator.ops.call import Call
from wse_emulator.ops.table import op


def _accumulate(kernel: Kernel, call: Call, x: Operand) -> Operand:
    """Into one word along the last axis; row by row into a vector along the others."""
    if not x.vector:
        return x
    if call.innermost:
        kernel.reduce(x)
    else:
        kernel.emit("add", x, Operand(x.dtype, vector=True))
    return Operand(call.dtype, vector=call.result_vector)


@op(
    "sum",
    "amax",
    "amin",
    "max",
    "min",
    "any",
    "all",
    cost="reduce along the last axis; add along the others (rows added onto one another)",
    axes=REDUCTION,
)
def _sum(kernel: Kernel, call: Call) -> Operand:
    return _accumulate(kernel, call, call.operand("self"))


@op("mean", cost="as `sum`, then one multiply by 1/n", axes=REDUCTION)
def _mean(kernel: Kernel, call: Call) -> Operand:
    """The sum, and one multiply by the static 1/n a result."""
    total = _accumulate(kernel, call, call.operand("self"))
    return kernel.emit("mul", Operand(total.dtype, vector=False), scalar_argument(total.dtype))


def _norm_of_order(kernel: Kernel, call: Call, order: float) -> Operand:
    """Squares (magnitudes for other orders), their sum, and one scalar square root."""
    each = kernel.emit("mul" if order == 2 else "sign", call.operand("self"))
    total = _accumulate(kernel, call, each)
    if order == 2:
        return kernel.function("sqrt", Operand(total.dtype, vector=False))
    return total


@op(
    "linalg_vector_norm",
    cost="mul (sign for other orders than 2), as `sum`, one scalar square root",
    axes=REDUCTION,
)
def _vector_norm(kernel: Kernel, call: Call) -> Operand:
    return _norm_of_order(kernel, call, call.number("ord", 2))


@op("norm", cost="as `linalg_vector_norm`", axes=REDUCTION)
def _norm(kernel: Kernel, call: Call) -> Operand:
    return _norm_of_order(kernel, call, call.number("p", 2))


def _inner_product(kernel: Kernel, call: Call, other: str) -> Operand:
    each = kernel.emit("mul", call.operand("self"), call.operand(other))
    return _accumulate(kernel, call, each)


@op("dot", cost="mul, reduce", axes=einsum("self i, tensor i ->"), streams=("self", "tensor"))
def _dot(kernel: Kernel, call: Call) -> Operand:
    return _inner_product(kernel, call, "tensor")


@op("vdot", cost="mul, reduce", axes=einsum("self i, other i ->"), streams=("self", "other"))
def _vdot(kernel: Kernel, call: Call) -> Operand:
    return _inner_product(kernel, call, "other")


def _multiply_adds(kernel: Kernel, call: Call, factor: str) -> Operand:
    """One multiply-add over the shard of the result for each element of the contracted axis."""
    result = Operand(call.dtype, vector=True)
    panel = Operand(call.operand(factor).dtype, vector=True)
    return kernel.emit("fma", result, panel, dtype=call.dtype, passes=max(1, call.inner))


_FACTORS = "one fma for each element of the contracted axis"


@op("mm", cost=_FACTORS, axes=einsum("self ik, mat2 kj -> ij"))
def _mm(kernel: Kernel, call: Call) -> Operand:
    return _multiply_adds(kernel, call, "mat2")


@op("bmm", cost=_FACTORS, axes=einsum("self bik, mat2 bkj -> bij"))
def _bmm(kernel: Kernel, call: Call) -> Operand:
    return _multiply_adds(kernel, call, "mat2")


@op("mv", cost=_FACTORS, axes=einsum("self ik, vec k -> i"))
def _mv(kernel: Kernel, call: Call) -> Operand:
    return _multiply_adds(kernel, call, "vec")


_FACTORS_AND_SUM = f"{_FACTORS}, one more for the sum"


@op("addmm", cost=_FACTORS_AND_SUM, axes=einsum("self ij, mat1 ik, mat2 kj -> ij"))
def _addmm(kernel: Kernel, call: Call) -> Operand:
    product = _multiply_adds(kernel, call, "mat2")
    return kernel.emit("fma", call.operand("self"), product, dtype=call.dtype)


@op("baddbmm", cost=_FACTORS_AND_SUM, axes=einsum("self bij, batch1 bik, batch2 bkj -> bij"))
def _baddbmm(kernel: Kernel, call: Call) -> Operand:
    product = _multiply_adds(kernel, call, "batch2")
    return kernel.emit("fma", call.operand("self"), product, dtype=call.dtype)
