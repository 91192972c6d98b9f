"""Reductions and matrix products: the part a PE does on its own shard.

The sum over PEs is a collective and is costed by the fabric. ``elements`` is the shard of the
operand for a reduction, of the result for a matrix product.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.cost.kernel import Kernel, OpCost, Operand, number
from wse_emulator.ops.elementwise import Call, Rule
from wse_emulator.wafer.spec import WaferSpec


def _accumulate(kernel: Kernel, call: Call, x: Operand) -> Operand:
    """Into one word along the last axis; row by row into a vector along the others."""
    if not x.vector:
        return x
    if call.keeps_last_axis:
        kernel.emit("add", x, Operand(x.dtype, vector=True))
    else:
        kernel.reduce(x)
    return Operand(call.dtype, vector=call.result_vector)


def _sum(kernel: Kernel, call: Call) -> Operand:
    return _accumulate(kernel, call, call.operands[0])


def _mean(kernel: Kernel, call: Call) -> Operand:
    """The sum, and one multiply by the static 1/n a result."""
    total = _accumulate(kernel, call, call.operands[0])
    return kernel.emit("mul", Operand(total.dtype, vector=False), number(total.dtype))


def _norm(kernel: Kernel, call: Call) -> Operand:
    """Squares (magnitudes for other orders), their sum, and one scalar square root."""
    x = call.operands[0]
    order = call.factor() if call.numbers() else 2.0
    each = kernel.emit("mul" if order == 2 else "sign", x)
    total = _accumulate(kernel, call, each)
    if order == 2:
        return kernel.function("sqrt", Operand(total.dtype, vector=False))
    return total


def _dot(kernel: Kernel, call: Call) -> Operand:
    x, y = call.operands[:2]
    return _accumulate(kernel, call, kernel.emit("mul", x, y))


def panel_cost(formats: tuple[str, str], vector: int, passes: int, spec: WaferSpec) -> OpCost:
    """``passes`` multiply-adds ``sums += number * block`` over ``vector`` elements.

    A number of a panel that came over the fabric times a line of the PE's block, or the other way
    round: the sums are a buffer of their own, which can lie so that no banks conflict.

    Args:
        formats: of the sums, and of the block.
        vector: elements of one instruction.
        passes: how many are issued.
        spec: the machine.
    """
    kernel = Kernel(spec, vector)
    sums, block = (Operand(dtype, vector=True) for dtype in formats)
    kernel.emit("fma", sums, block, dtype=sums.dtype, passes=passes)
    return kernel.cost


def _matrix_product(kernel: Kernel, call: Call) -> Operand:
    """One multiply-add over the shard of the result for each element of the contracted axis."""
    result = Operand(call.dtype, vector=True)
    panel = Operand(call.operands[-1].dtype, vector=True)
    for_sum = kernel.emit("fma", result, panel, dtype=call.dtype, passes=max(1, call.inner))
    if call.name in ("addmm", "baddbmm"):
        return kernel.emit("fma", call.operands[0], for_sum, dtype=call.dtype)
    return for_sum


REDUCTIONS: Final[dict[str, Rule]] = {
    "sum": _sum,
    "mean": _mean,
    "amax": _sum,
    "amin": _sum,
    "max": _sum,
    "min": _sum,
    "any": _sum,
    "all": _sum,
    "linalg_vector_norm": _norm,
    "norm": _norm,
    "dot": _dot,
    "vdot": _dot,
    "mm": _matrix_product,
    "bmm": _matrix_product,
    "mv": _matrix_product,
    "addmm": _matrix_product,
    "baddbmm": _matrix_product,
}
"""Base name -> rule. ``max`` and ``min`` of two tensors are element-wise and never come here."""

MATRIX_PRODUCTS: Final = frozenset({"mm", "bmm", "mv", "addmm", "baddbmm"})
