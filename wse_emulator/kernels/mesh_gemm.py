"""A product of matrices on a square grid, whose operands both travel (MeshGEMM, after Cannon).

Each of P x P PEs holds a tile of either operand. In P steps the tiles of the left operand move
along the rows and those of the right one along the columns, two places on in a folded ring, and
every PE multiplies the two tiles that it holds. Before that the left operand is aligned by P / 2
exchanges. The program: MeshInfra/WaferLLM@2cd13b5.

The streams run beside the arithmetic, and the start of a step (``kernels.shift_step``) contains
the way of its messages. The engines charge both, one after the other. The work of a step is
therefore what its formula leaves when the exchanges are taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from wse_emulator.activities import Axis, Loop, ProgramPart, Shift, compute
from wse_emulator.kernels.mapped_product import Tile, mapped_product_cycles
from wse_emulator.wafer.messages import free_latency, message_cycles, wavelets_of
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "operands"
"""Route set of the tiles; those of rows and of columns meet on no link."""

ELEMENT_BYTES: Final = 2
HALVES: Final = ("float16", "float16")


def mesh_gemm(
    grid: Region, tile: Tile, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[ProgramPart, ...]:
    """The product of two float16 matrices whose tiles both travel.

    Args:
        grid: as many rows as columns.
        tile: (m, k, n), the tiles m x k of the left and k x n of the right operand.
        spec: the machine.
        channel: route set.

    Raises:
        ValueError: the grid is not square.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> run_by_lines(mesh_gemm(Region(0, 0, 60, 60), (6, 6, 6), WSE2), WSE2)
        34195
    """
    m, k, _ = tile
    return (
        alignment(grid, "row", m * k, spec, channel=channel),
        shift_steps(grid, tile, spec, channel=channel),
    )


def alignment(
    grid: Region, axis: Axis, elements: int, spec: WaferSpec, *, channel: str = CHANNEL
) -> Loop:
    """Bring the tiles of one operand to where the steps begin, by P / 2 exchanges along an axis.

    Args:
        grid: as many rows as columns.
        axis: how the tiles travel.
        elements: float16 elements of a tile.
        spec: the machine.
        channel: route set.

    Raises:
        ValueError: the grid is not square.
    """
    exchanges = ((axis, elements),)
    step = spec.kernels.shift_step + elements * ELEMENT_BYTES * Fraction(
        spec.cycles_per_wavelet, spec.wavelet_bytes
    )
    return Loop(_step(grid, exchanges, step, spec, channel), _side(grid) // 2, "alignment")


def shift_steps(
    grid: Region,
    tile: Tile,
    spec: WaferSpec,
    *,
    each_step: Sequence[ProgramPart] = (),
    channel: str = CHANNEL,
) -> Loop:
    """The P steps of a product: both operands move, and every PE multiplies its tiles.

    Args:
        grid: as many rows as columns.
        tile: (m, k, n), the tiles m x k of the left and k x n of the right operand.
        spec: the machine.
        each_step: what a step does after its multiply-adds.
        channel: route set.

    Raises:
        ValueError: the grid is not square.
    """
    m, k, n = tile
    iteration = spec.kernels.stored_descriptor_loop
    step = spec.kernels.shift_step + mapped_product_cycles(tile, HALVES, iteration, spec)
    exchanges: tuple[tuple[Axis, int], ...] = (("row", m * k), ("column", k * n))
    body = _step(grid, exchanges, step, spec, channel)
    return Loop((*body, *each_step), _side(grid), "steps")


def _step(
    grid: Region,
    exchanges: Sequence[tuple[Axis, int]],
    cycles: Fraction,
    spec: WaferSpec,
    channel: str,
) -> tuple[ProgramPart, ...]:
    """Exchanges along axes, and the work that makes a step of ``cycles`` of them."""
    shifts = []
    for axis, elements in exchanges:
        wavelets = wavelets_of(elements * ELEMENT_BYTES, spec)
        shifts.append(Shift(f"tiles along {axis}s", grid, axis, wavelets, channel))
        cycles -= exchange_cycles(_side(grid), wavelets, spec)
    return (*shifts, compute("multiply-adds", grid, max(cycles, Fraction(0))))


def exchange_cycles(pes: int, wavelets: int, spec: WaferSpec) -> int:
    """The cycles of a shift by itself, along a line of ``pes`` PEs."""
    if pes == 1 or wavelets == 0:
        return 0
    return message_cycles(wavelets, spec) + free_latency(min(2, pes - 1), spec)


def _side(grid: Region) -> int:
    if grid.rows != grid.cols:
        raise ValueError(f"tiles go round a square grid, and {grid.as_list()} is none")
    return grid.cols
