"""A vector times a matrix on a grid: a product on each PE, and sums of its results over a line.

A PE holds a tile of ``inputs`` x ``outputs`` float16 elements and the inputs that belong to it.
The partial sums of an output lie on the PEs of one column. Two ways to add them up: in software
over groups (MeshInfra/WaferLLM@2cd13b5), or by the SDK's collectives, in float32 from PE to PE and
back (Wang-oss-tech/Wafer-Scale-Accelerator-Experiments@6b781e0).
"""

from __future__ import annotations

from math import ceil
from typing import Final

from wse_emulator.activities import Activity, Chain, LineMulticast, compute
from wse_emulator.cost.instructions import vector_op_cycles
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start
from wse_emulator.kernels.grouped_all_reduce import grouped_all_reduce
from wse_emulator.wafer.messages import free_latency, wavelets_of
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "partial sums"
"""Route set of the sums, unless the caller names another."""

HALVES: Final = ("float16", "float16")
HALF_BYTES: Final = 2
FLOAT_BYTES: Final = 4


def grouped_gemv(
    grid: Region,
    tile: tuple[int, int],
    group: int,
    spec: WaferSpec,
    *,
    both_ways: bool = False,
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """A vector times a float16 matrix, whose partial sums are added over groups in each column.

    Args:
        grid: the PEs.
        tile: inputs and outputs of a PE.
        group: PEs of a group.
        spec: the machine.
        both_ways: as in :func:`~wse_emulator.kernels.grouped_all_reduce.grouped_all_reduce`.
        channel: route set.

    Raises:
        ValueError: groups of less than one PE.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> run_by_lines(grouped_gemv(Region(0, 0, 60, 60), (8, 8), 12, WSE2), WSE2)
        339
    """
    _, outputs = tile
    cleared = vector_op_cycles("move", "float16", outputs, spec)
    return (
        compute("clear the sums", grid, cleared),
        compute("multiply-adds", grid, _multiplied(tile, spec)),
        *grouped_all_reduce(
            grid,
            "column",
            wavelets_of(outputs * HALF_BYTES, spec),
            group,
            spec,
            both_ways=both_ways,
            channel=channel,
        ),
    )


def pipelined_gemv(
    grid: Region, tile: tuple[int, int], spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[Activity, ...]:
    """A vector times a float16 matrix, whose partial sums pass from PE to PE in float32 by one
    call of the SDK's collectives, and return by another.

    A scalar loop converts each sum on either way: a load, a conversion and a store.

    Args:
        grid: the PEs.
        tile: inputs and outputs of a PE.
        spec: the machine.
        channel: route set.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> run_by_lines(pipelined_gemv(Region(0, 0, 60, 60), (8, 8), WSE2), WSE2)
        2305
    """
    _, outputs = tile
    converted = outputs * (
        spec.loop_jump_cycles
        + spec.scalar_load_cycles
        + spec.scalar_op_cycles
        + spec.scalar_store_cycles
    )
    call = ceil(spec.kernels.collective_call)
    # the call was timed from its start to the first wavelet, ramps and touch included
    broadcast = max(call - free_latency(0, spec), 0)
    last = grid.row_stop - 1
    wavelets = wavelets_of(outputs * FLOAT_BYTES, spec)
    return (
        compute("multiply-adds", grid, spec.launch_cycles + _multiplied(tile, spec)),
        compute("convert", grid, converted),
        compute("reduce call", grid, call),
        Chain(
            name="reduce",
            region=grid,
            axis="column",
            root=last,
            spacing=-1,
            positions=grid.rows,
            wavelets=wavelets,
            channel=channel,
            software=True,
        ),
        compute("broadcast call", grid, broadcast),
        LineMulticast("broadcast", grid, "column", last, wavelets, channel),
        compute("convert", grid, converted),
    )


def _multiplied(tile: tuple[int, int], spec: WaferSpec) -> int:
    """A launch, and a multiply-add over the outputs for each input, by ``@map``."""
    inputs, outputs = tile
    return spec.launch_cycles + inputs * pass_cycles(outputs, HALVES, Start.STEPS, spec)
