"""A matrix times a vector on one PE, in three programs."""

from __future__ import annotations

from typing import Final

from wse_emulator.activities import Work, compute
from wse_emulator.cost.instructions import (
    Instruction,
    element_cycles,
    instruction_cycles,
    plain_instruction,
)
from wse_emulator.cost.products import passes_cost
from wse_emulator.cost.starts import Start, start_cycles
from wse_emulator.kernels.scalar_loops import ONE_PE, LoopBody, iteration_cycles
from wse_emulator.wafer.formats import BYTES, lane_dtype
from wse_emulator.wafer.spec import WaferSpec

_INNER: Final = LoopBody(loads=2, flops=2, integer_ops=2)
"""Two numbers, multiply and add; the matrix's index is a product and a sum."""
_OUTER: Final = LoopBody(stores=1, integer_ops=1)


def scalar_matrix_vector(
    inputs: int, outputs: int, dtype: str, spec: WaferSpec
) -> tuple[Work, ...]:
    """Two nested scalar loops: for each output a sum over the inputs.

    Args:
        inputs, outputs: sides of the matrix.
        dtype: format of the numbers.
        spec: the machine.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = scalar_matrix_vector(16, 16, "float32", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        5856
    """
    inner = inputs * iteration_cycles(_INNER, dtype, spec)
    cycles = outputs * (inner + iteration_cycles(_OUTER, dtype, spec))
    return (compute("product", ONE_PE, cycles),)


def widened_matrix_vector(inputs: int, outputs: int, spec: WaferSpec) -> tuple[Work, ...]:
    """A 16-bit matrix with float32 sums: each input's line is widened, then multiplied and added.

    Both instructions share the descriptors that an input loads.

    Args:
        inputs, outputs: sides of the matrix.
        spec: the machine.

    Raises:
        WaferSpecError: the machine has no rate for a conversion or a float32 multiply-add.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = widened_matrix_vector(112, 128, WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        19712
    """
    widen = element_cycles(Instruction("convert", "mixed", 2, 4), spec)
    add = element_cycles(plain_instruction("product", "float32"), spec)
    start = start_cycles(Start.LOADS_DESCRIPTORS, spec)
    return (compute("product", ONE_PE, inputs * (start + outputs * (widen + add))),)


def mapped_matrix_vector(
    inputs: int, outputs: int, dtype: str, spec: WaferSpec
) -> tuple[Work, ...]:
    """``@map`` over the inputs: each steps to its line and multiplies and adds it.

    Args:
        inputs, outputs: sides of the matrix.
        dtype: format of the matrix and of the sums.
        spec: the machine.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.
        WaferSpecError: the machine has no rate in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = mapped_matrix_vector(32, 32, "float16", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        356
    """
    size = BYTES[dtype]
    cleared = instruction_cycles(Instruction("move", lane_dtype(dtype), 0, size, 0), outputs, spec)
    multiplied = passes_cost(outputs, inputs, (dtype, dtype), Start.STEPS, spec).cycles
    return (compute("product", ONE_PE, cleared + spec.launch_cycles + multiplied),)
