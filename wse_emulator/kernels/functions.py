"""Functions over the elements of one PE: calls of the library in a loop, or by ``@map``.

``@map`` takes the loop away, with its loads and stores, and leaves the calls and the operations
around them. The library has no vector form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from wse_emulator.activities import Work, compute
from wse_emulator.cost.instructions import Instruction, instruction_cycles
from wse_emulator.kernels.scalar_loops import (
    ONE_PE,
    LoopBody,
    iteration_cycles,
    straight_cycles,
)
from wse_emulator.wafer.formats import BYTES, lane_dtype
from wse_emulator.wafer.spec import WaferSpec

FunctionCode = Literal["scalar_loop", "map"]
"""How a function is applied to the elements of a PE."""

FUNCTION_CODES: Final[tuple[FunctionCode, ...]] = get_args(FunctionCode)


def _called(*calls: str, flops: int = 0) -> LoopBody:
    """A number in, the function's value out."""
    return LoopBody(loads=1, stores=1, flops=flops, calls=calls)


ELEMENT_FUNCTIONS: Final[Mapping[str, LoopBody]] = {
    "exp": _called("exp"),
    "log": _called("log"),
    "sqrt": _called("sqrt"),
    "rsqrt": _called("rsqrt"),
    "reciprocal": _called("division"),
    "cos": _called("cos"),
    "sin": _called("cos"),
    "tanh": _called("tanh"),
    "division": LoopBody(loads=2, stores=1, calls=("division",)),
    # 1 / (1 + e^-x): sign, sum
    "sigmoid": _called("exp", "division", flops=2),
    # x / (1 + e^-x)
    "silu": _called("exp", "division", flops=2),
    # x/2 (1 + t) with t = (e - 1) / (e + 1), e the exponential of 2 c (x + d x^3)
    "gelu": _called("exp", "division", flops=11),
}
"""Function of one element -> what an iteration of its loop does."""


def element_function(
    function: str, elements: int, dtype: str, code: FunctionCode, spec: WaferSpec
) -> tuple[Work, ...]:
    """A function of every element on one PE.

    Args:
        function: a key of ``ELEMENT_FUNCTIONS``.
        elements: on the PE.
        dtype: their format.
        code: a scalar loop, or ``@map``.
        spec: the machine.

    Raises:
        KeyError: no such function.
        WaferSpecError: the library does not have it in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = element_function("exp", 512, "float16", "map", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        25104
    """
    return (
        compute(function, ONE_PE, element_function_cycles(function, elements, dtype, code, spec)),
    )


def gated_silu(elements: int, dtype: str, code: FunctionCode, spec: WaferSpec) -> tuple[Work, ...]:
    """``up * silu(gate)`` on one PE: SiLU of every gate, then a product of two vectors.

    Args:
        elements: on the PE.
        dtype: their format.
        code: how SiLU is applied: in a scalar loop, or by ``@map``.
        spec: the machine.

    Raises:
        WaferSpecError: the library lacks exponential or division in this format, or the machine
            has no rate for its products.

    Example:
        >>> from wse_emulator.wafer import WSE3
        >>> silu, product = gated_silu(256, "float16", "map", WSE3)
        >>> product.chains[0].ops[0].strip_cycles
        80
    """
    size = BYTES[dtype]
    product = Instruction("mul", lane_dtype(dtype), 2 * size, size, 2)
    return (
        *element_function("silu", elements, dtype, code, spec),
        compute("product", ONE_PE, instruction_cycles(product, elements, spec)),
    )


def element_function_cycles(
    function: str, elements: int, dtype: str, code: FunctionCode, spec: WaferSpec
) -> int:
    """The cycles of a function of every element; arguments as in :func:`element_function`."""
    body = ELEMENT_FUNCTIONS[function]
    if code == "scalar_loop":
        return elements * iteration_cycles(body, dtype, spec)
    mapped = LoopBody(flops=body.flops, calls=body.calls)
    return spec.launch_cycles + elements * straight_cycles(mapped, dtype, spec)
