"""Softmax and loss of a token over its vocabulary: maximum, exponentials, sum, gradient.

The logits of a token lie on a rectangle of PEs.
"""

from __future__ import annotations

from fractions import Fraction

from wse_emulator.activities import Activity, Work, compute
from wse_emulator.cost.instructions import element_cycles, plain_instruction
from wse_emulator.kernels.all_reduce import CHANNEL, rectangle_maximum, rectangle_sum
from wse_emulator.kernels.streams import stream_cycles
from wse_emulator.wafer.formats import lane_dtype
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def logits_maximum(
    region: Region,
    elements: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """The largest logit of a token, which all PEs of the rectangle get.

    A PE takes its elements in, a wavelet each, copies them to memory and reduces them to one:
    3.25 cycles an element in 16 bits on a WSE-2.

    Args:
        region: the rectangle.
        elements: of the token on its fullest PE.
        spec: the machine.
        dtype: format of the elements.
        channel: route set.

    Raises:
        WaferSpecError: the machine has no rate for the format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(logits_maximum(Region(0, 0, 117, 3), 144, WSE2), WSE2).elapsed_cycles
        807
    """
    return (
        compute("maximum on a PE", region, _reduced_stream_cycles(elements, dtype, spec)),
        *rectangle_maximum(region, spec, channel=channel),
    )


def exponentials_sum(
    region: Region,
    elements: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """The sum of a token's exponentials, which all PEs of the rectangle get.

    Args:
        region, elements, spec, dtype, channel: as in :func:`logits_maximum`.

    Raises:
        WaferSpecError: the machine has no rate for the format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(exponentials_sum(Region(0, 0, 147, 5), 50, WSE2), WSE2).elapsed_cycles
        464
    """
    return (
        compute("sum on a PE", region, _reduced_stream_cycles(elements, dtype, spec)),
        *rectangle_sum(region, spec, channel=channel),
    )


def loss_gradient(region: Region, elements: int, spec: WaferSpec) -> tuple[Work, ...]:
    """The gradient of the loss by a token's logits: exponentials times the reciprocal of their
    sum, less one at the target.

    Its cycles are coefficients (``kernels.loss_gradient``, ``loss_gradient_element``): 10 an
    element are too many for vector instructions, and as many as the jump of a scalar loop takes.

    Args:
        region: the rectangle.
        elements: of the token on its fullest PE.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (work,) = loss_gradient(Region(0, 0, 1, 1), 62, WSE2)
        >>> work.chains[0].ops[0].strip_cycles
        797
    """
    kernels = spec.kernels
    cycles = kernels.stream + kernels.loss_gradient + elements * kernels.loss_gradient_element
    return (compute("gradient of the loss", region, cycles),)


def _reduced_stream_cycles(elements: int, dtype: str, spec: WaferSpec) -> Fraction:
    """A token's elements come in, a wavelet each, are copied to memory and reduced to one."""
    lanes = lane_dtype(dtype)
    copied = element_cycles(plain_instruction("move", lanes), spec)
    reduced = element_cycles(plain_instruction("reduce", lanes), spec)
    return spec.kernels.stream + stream_cycles(elements, spec) + elements * (copied + reduced)
