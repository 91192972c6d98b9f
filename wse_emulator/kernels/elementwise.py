"""Kernels that take the elements of a token one by one: residual sum, conversions, GELU."""

from __future__ import annotations

from wse_emulator.activities import Work, compute
from wse_emulator.kernels.streams import stream_cycles
from wse_emulator.wafer.messages import free_latency, task_cycles
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def residual_sum(region: Region, elements: int, spec: WaferSpec) -> tuple[Work, ...]:
    """Add two vectors that both arrive from the fabric, an element in each wavelet.

    Args:
        region: the PEs.
        elements: of the token on its fullest PE.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (work,) = residual_sum(Region(0, 0, 1, 1), 128, WSE2)
        >>> work.chains[0].ops[0].strip_cycles
        276
    """
    cycles = spec.kernels.residual_add + 2 * stream_cycles(elements, spec)
    return (compute("residual sum", region, cycles),)


def converted_stream(
    region: Region, elements: int, spec: WaferSpec, *, forms_indices: bool
) -> tuple[Work, ...]:
    """Turn a token's dense stream into values with their index, or back.

    A wavelet an element passes. What comes on top of that is a relay in software: two ramps, a
    touch, the start of a task and its end, 11 cycles on a WSE-2. The kernel that forms the indices
    takes longer (``kernels.to_sparse``); those of the gradients, and the way back, form none.

    Args:
        region: the PEs.
        elements: of the token on its fullest PE.
        spec: the machine.
        forms_indices: it finds out which values to send, and gives each its index.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (work,) = converted_stream(Region(0, 0, 1, 1), 36, WSE2, forms_indices=False)
        >>> work.chains[0].ops[0].strip_cycles
        47
    """
    relay = free_latency(0, spec) + task_cycles(spec)
    fixed = spec.kernels.to_sparse if forms_indices else relay
    return (compute("format conversion", region, fixed + stream_cycles(elements, spec)),)


def gelu_forward(region: Region, elements: int, spec: WaferSpec) -> tuple[Work, ...]:
    """The vendor's GELU of a token, which works on pairs of elements.

    It is not made of the library's exponential and division, which would take longer.

    Args:
        region: the PEs.
        elements: of the token on its fullest PE.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (work,) = gelu_forward(Region(0, 0, 1, 1), 9, WSE2)
        >>> work.chains[0].ops[0].strip_cycles
        883
    """
    pairs = -(-elements // 2)
    cycles = spec.kernels.stream + 2 * pairs * spec.kernels.gelu_forward
    return (compute("GELU", region, cycles),)


def gelu_backward(region: Region, elements: int, spec: WaferSpec) -> tuple[Work, ...]:
    """The gradient of the vendor's GELU for a token.

    Args:
        region: the PEs.
        elements: of the token on its fullest PE.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (work,) = gelu_backward(Region(0, 0, 1, 1), 9, WSE2)
        >>> work.chains[0].ops[0].strip_cycles
        945
    """
    cycles = spec.kernels.stream + elements * spec.kernels.gelu_backward
    return (compute("gradient of GELU", region, cycles),)
