"""Scans and shifts along an axis: each element depends on elements at other places.

A PE does its own part here; what passes from PE to PE is a message, which lowering adds.
"""

from __future__ import annotations

from collections.abc import Mapping

from wse_emulator.cost.kernel import Kernel, Operand
from wse_emulator.ops.axes import ordered
from wse_emulator.ops.call import Call
from wse_emulator.ops.table import op
from wse_emulator.program import Argument


@op(
    "cumsum",
    cost="a running sum along the axis (two cycles an element along the last axis; add along the "
    "others), and one add of what came before",
    axes=ordered("dim"),
)
def _cumsum(kernel: Kernel, call: Call) -> Operand:
    """Partial sums on the PE, then the sum of all elements that lie before its part."""
    x = call.operand("self")
    if not x.vector:
        return x
    if call.innermost:  # what came before is one number a line
        return kernel.emit("add", kernel.running_sum(x), dtype=call.dtype)
    line = Operand(x.dtype, vector=True)
    return kernel.emit("add", kernel.emit("add", x, line), line, dtype=call.dtype)


def _along_one(arguments: Mapping[str, Argument]) -> bool:
    dims = arguments["dims"]
    return isinstance(dims, tuple) and len(dims) == 1


@op("roll", cost="move, every element once", axes=ordered("dims", "shifts"), when=_along_one)
def _roll(kernel: Kernel, call: Call) -> Operand:
    return kernel.emit("move", call.operand("self"), dtype=call.dtype)
