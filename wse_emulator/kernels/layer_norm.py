"""LayerNorm of a token that lies on a line of PEs, as the vendor's kernels carry it out."""

from __future__ import annotations

from wse_emulator.activities import Activity, Axis, compute
from wse_emulator.cost.instructions import element_cycles, plain_instruction
from wse_emulator.kernels.all_reduce import CHANNEL, all_reduce_in_lines
from wse_emulator.kernels.streams import packed_stream_cycles
from wse_emulator.wafer.formats import lane_dtype
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def layer_norm_forward(
    region: Region,
    elements: int,
    spec: WaferSpec,
    *,
    axis: Axis = "row",
    dtype: str = "float16",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """Normalize one token on each line of a region.

    A PE takes its elements in, two to a wavelet, and adds them and their squares; the line adds up
    one number; a reciprocal square root, then two multiply-adds an element, and the result leaves
    as it came. In 16 bits on a WSE-2 that is 5.5 cycles an element: two reductions of 2, two
    multiply-adds of 1/4, half a wavelet in and half a wavelet out.

    Args:
        region: the lines, a token on each.
        elements: of the token on its fullest PE.
        spec: the machine.
        axis: how the lines run.
        dtype: format of the elements.
        channel: route set.

    Raises:
        WaferSpecError: the machine has no rate for the format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> norm = layer_norm_forward(Region(0, 0, 1, 26), 30, WSE2)
        >>> run_alone(norm, WSE2).elapsed_cycles
        445
    """
    lanes = lane_dtype(dtype)
    reduced = element_cycles(plain_instruction("reduce", lanes), spec)
    multiplied = element_cycles(plain_instruction("fma", lanes), spec)
    stream = packed_stream_cycles(elements, dtype, spec)
    before = spec.kernels.stream + stream + 2 * elements * reduced
    after = spec.kernels.layer_norm_forward + 2 * elements * multiplied + stream
    return (
        compute("sums of LayerNorm", region, before),
        *all_reduce_in_lines(region, spec, axis=axis, channel=channel),
        compute("LayerNorm", region, after),
    )


def layer_norm_backward(
    region: Region,
    elements: int,
    spec: WaferSpec,
    *,
    axis: Axis = "row",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """The delta of LayerNorm and its two gradients, for one token on each line of a region.

    What it normalized is made again by a kernel beside it, which runs at the same time. The cycles
    of a token and of an element are coefficients (``kernels.layer_norm_backward``,
    ``layer_norm_backward_element``): how the 10.5 an element are spent is not known.

    Args:
        region, elements, spec, axis, channel: as in :func:`layer_norm_forward`.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(layer_norm_backward(Region(0, 0, 1, 55), 14, WSE2), WSE2).elapsed_cycles
        433
    """
    kernels = spec.kernels
    cycles = kernels.layer_norm_backward + elements * kernels.layer_norm_backward_element
    return (
        *all_reduce_in_lines(region, spec, axis=axis, channel=channel),
        compute("delta of LayerNorm", region, cycles),
    )
