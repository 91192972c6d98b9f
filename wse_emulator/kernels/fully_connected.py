"""A fully connected layer whose weights stay on its PEs: forward, delta, gradient of the weights.

A PE of the rectangle holds a tile of ``inputs`` x ``outputs`` weights. The PEs of a row hold the
same outputs, so partial sums of outputs pass along the rows; the PEs of a column hold the same
inputs, so partial sums of the delta pass along the columns. Each wavelet that arrives sets off one
multiply-add over a line of the tile (``wavelet_launch_cycles``), and one partial sum passes a
cycle.

Tokens follow one another. The time of one token among many is what a further token adds, since
the way from the first PE to the last is under way for several tokens at once.
"""

from __future__ import annotations

from typing import Final

from wse_emulator.activities import Activity, Chain, compute
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "fully connected"
"""Route set of the partial sums, unless the caller names another."""


def fully_connected_forward(
    region: Region,
    inputs: int,
    outputs: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """The outputs of one token: ``inputs (launch + outputs / lanes)`` cycles of multiply-adds, and
    ``outputs`` partial sums that pass along the row.

    Args:
        region: the PEs.
        inputs, outputs: sides of the fullest PE's tile.
        spec: the machine.
        dtype: format of inputs, weights and the sums inside a PE.
        channel: route set.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> multiplied, passed = fully_connected_forward(Region(0, 0, 2, 2), 24, 32, WSE2)
        >>> multiplied.chains[0].ops[0].strip_cycles, passed.wavelets
        (216, 32)
    """
    cycles = inputs * pass_cycles(outputs, (dtype, dtype), Start.BY_WAVELET, spec)
    return (
        compute("outputs", region, cycles),
        Chain("outputs", region, "row", region.col, 1, region.cols, outputs, channel),
    )


def fully_connected_delta(
    region: Region,
    inputs: int,
    outputs: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """The gradients of one token's inputs: the same with inputs and outputs exchanged, along the
    columns.

    Args:
        region, inputs, outputs, spec, dtype, channel: as in :func:`fully_connected_forward`.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> multiplied, passed = fully_connected_delta(Region(0, 0, 2, 2), 24, 32, WSE2)
        >>> multiplied.chains[0].ops[0].strip_cycles, passed.wavelets
        (224, 24)
    """
    cycles = outputs * pass_cycles(inputs, (dtype, dtype), Start.BY_WAVELET, spec)
    return (
        compute("delta", region, cycles),
        Chain("delta", region, "column", region.row, 1, region.rows, inputs, channel),
    )


def fully_connected_gradient(
    region: Region, inputs: int, outputs: int, spec: WaferSpec, *, dtype: str = "float16"
) -> tuple[Activity, ...]:
    """What one token adds to the gradient of the weights, which is summed in float32 where it is.

    Args:
        region, inputs, outputs, spec: as in :func:`fully_connected_forward`.
        dtype: format of inputs and deltas.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> (multiplied,) = fully_connected_gradient(Region(0, 0, 2, 2), 24, 32, WSE2)
        >>> multiplied.chains[0].ops[0].strip_cycles
        408
    """
    cycles = inputs * pass_cycles(outputs, ("float32", dtype), Start.BY_WAVELET, spec)
    return (compute("gradient of the weights", region, cycles),)
