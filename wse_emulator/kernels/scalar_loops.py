"""Scalar loops on one PE: what an iteration takes, and plain kernels written as such loops.

A loop works on one element after the other. An iteration takes

    jump back + loads + stores + operations + comparisons + calls of the library

in cycles of the machine's ``loop_jump_cycles``, ``scalar_load_cycles``, ``scalar_store_cycles``,
``scalar_op_cycles``, ``branch_cycles`` and its table ``library``. An integer operation takes the
cycle in which it is issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wse_emulator.activities import Work, compute
from wse_emulator.kernels.library_calls import call_cycles
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

ONE_PE: Final = Region(0, 0, 1, 1)
"""Where a kernel of one PE runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBody:
    """What one iteration of a scalar loop does.

    Attributes:
        loads, stores: words between memory and registers.
        flops: floating-point operations, each as if it waited for the one before it; two chains
            side by side still take 1.9 cycles an operation on the simulator.
        integer_ops: integer operations: an index beside the loop's own, bits of a number.
        comparisons: comparisons of two numbers, each with its branch.
        calls: functions of the library, keys of its ``FUNCTIONS``.
    """

    loads: int = 0
    stores: int = 0
    flops: int = 0
    integer_ops: int = 0
    comparisons: int = 0
    calls: tuple[str, ...] = ()


def straight_cycles(body: LoopBody, dtype: str, spec: WaferSpec) -> int:
    """The cycles of what a body does, without a loop around it.

    Args:
        body: what is done.
        dtype: format of its numbers.
        spec: the machine.

    Raises:
        WaferSpecError: the library has no such function in this format.

    Example:
        >>> from wse_emulator.wafer import WSE3
        >>> straight_cycles(LoopBody(loads=2, flops=2), "float32", WSE3)
        10
    """
    return (
        body.loads * spec.scalar_load_cycles
        + body.stores * spec.scalar_store_cycles
        + body.flops * spec.scalar_op_cycles
        + body.integer_ops
        + body.comparisons * (spec.scalar_op_cycles + spec.branch_cycles)
        + sum(call_cycles(function, dtype, spec) for function in body.calls)
    )


def iteration_cycles(body: LoopBody, dtype: str, spec: WaferSpec) -> int:
    """The cycles of one iteration of a scalar loop.

    Args:
        body: what the iteration does.
        dtype: format of its numbers.
        spec: the machine.

    Raises:
        WaferSpecError: the library has no such function in this format.

    Example:
        >>> from wse_emulator.wafer import WSE3
        >>> iteration_cycles(LoopBody(loads=2, stores=1, flops=2), "float32", WSE3)  # y + a*x
        23
    """
    return spec.loop_jump_cycles + straight_cycles(body, dtype, spec)


@dataclass(frozen=True, slots=True)
class ScalarKernel:
    """A kernel of scalar loops that each pass over all its elements.

    Attributes:
        loops: the body of each loop, in order.
        once: what is done once, between the loops.
    """

    loops: tuple[LoopBody, ...]
    once: LoopBody = LoopBody()


_MAXIMUM: Final = LoopBody(loads=1, comparisons=1)
_SUM_OF_SQUARES: Final = LoopBody(loads=1, flops=2)
_SCALED: Final = LoopBody(loads=1, stores=1, flops=1)
_SQUARED_DIFFERENCES: Final = LoopBody(loads=2, flops=3)

SCALAR_KERNELS: Final[Mapping[str, ScalarKernel]] = {
    "axpy": ScalarKernel((LoopBody(loads=2, stores=1, flops=2),)),
    "dot": ScalarKernel((LoopBody(loads=2, flops=2),)),
    "sum": ScalarKernel((LoopBody(loads=1, flops=1),)),
    "max": ScalarKernel((_MAXIMUM,)),
    "relu": ScalarKernel((LoopBody(loads=1, stores=1, comparisons=1),)),
    "prefix_sum": ScalarKernel((LoopBody(loads=1, stores=1, flops=1),)),
    "sum_of_squared_differences": ScalarKernel((_SQUARED_DIFFERENCES,)),
    "mse": ScalarKernel((_SQUARED_DIFFERENCES,), LoopBody(calls=("division",))),
    "l2_norm": ScalarKernel((_SUM_OF_SQUARES, _SCALED), LoopBody(calls=("sqrt", "division"))),
    "rmsnorm": ScalarKernel(
        # x * (1 / root) * weight
        (_SUM_OF_SQUARES, LoopBody(loads=2, stores=1, flops=2)),
        LoopBody(calls=("division", "sqrt", "division")),  # mean, root, its reciprocal
    ),
    "softmax": ScalarKernel(
        (_MAXIMUM, LoopBody(loads=1, stores=1, flops=2, calls=("exp",)), _SCALED),
        LoopBody(calls=("division",)),
    ),
    "cross_entropy": ScalarKernel(
        (_MAXIMUM, LoopBody(loads=1, flops=2, calls=("exp",))), LoopBody(calls=("log",))
    ),
}
"""Kernel -> its loops, as counted in public programs."""


def scalar_kernel(kernel: str, elements: int, dtype: str, spec: WaferSpec) -> tuple[Work, ...]:
    """A kernel of scalar loops on one PE.

    Args:
        kernel: a key of ``SCALAR_KERNELS``.
        elements: that each loop passes over.
        dtype: format of the numbers.
        spec: the machine.

    Raises:
        KeyError: no such kernel.
        WaferSpecError: the library lacks a function in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = scalar_kernel("softmax", 256, "float32", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        35433
    """
    cycles = _kernel_cycles(SCALAR_KERNELS[kernel], elements, dtype, spec)
    return (compute(kernel, ONE_PE, cycles),)


def _kernel_cycles(kernel: ScalarKernel, elements: int, dtype: str, spec: WaferSpec) -> int:
    loops = [iteration_cycles(body, dtype, spec) * elements for body in kernel.loops]
    return sum(loops) + straight_cycles(kernel.once, dtype, spec)


_ROUNDED: Final = LoopBody(loads=2, stores=2, flops=3, integer_ops=5)
"""x * (1 / root) * (1 + gain), stored; its upper half rounded to even and stored: the last bit,
two sums with carry."""


def rounded_rms_norm(elements: int, dtype: str, spec: WaferSpec) -> tuple[Work, ...]:
    """RMSNorm on one PE by scalar loops, its results kept and stored once more in 16 bits.

    Args:
        elements: of the vector.
        dtype: format of the arithmetic.
        spec: the machine.

    Raises:
        WaferSpecError: the library lacks square root or division in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = rounded_rms_norm(5120, "float32", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        256295
    """
    counted = ScalarKernel((_SUM_OF_SQUARES, _ROUNDED), SCALAR_KERNELS["rmsnorm"].once)
    return (compute("rounded rmsnorm", ONE_PE, _kernel_cycles(counted, elements, dtype, spec)),)


_TIMED_INSTRUCTIONS: Final = 8
"""Instructions of the iteration whose time ``loop_cycles`` is."""


def plain_iteration_cycles(instructions: int, spec: WaferSpec) -> int:
    """The cycles of an iteration of so many instructions that do not wait for one another.

    Args:
        instructions: of the iteration, its jump back included.
        spec: the machine, whose ``loop_cycles`` are those of 8 instructions; each one more or
            less is a cycle.

    Example:
        >>> from wse_emulator.wafer import WSE3
        >>> plain_iteration_cycles(8, WSE3)
        15
    """
    return spec.loop_cycles + instructions - _TIMED_INSTRUCTIONS
