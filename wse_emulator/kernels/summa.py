"""A product of matrices on a square grid, whose panels are multicast (SUMMA).

In step s the PEs of column s send their tiles of the left operand along the rows, and those of row
s their tiles of the right operand along the columns; every PE multiplies what it has taken. The
root moves on by one each step. The programs: Wang-oss-tech/Wafer-Scale-Accelerator-Experiments
@6b781e0.

The start of a step contains the way to the next root. The engines charge it and the streams by
themselves, so the work of a step is what its formula leaves when they are taken off. The way of
the last panels across the grid comes on top.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from wse_emulator.activities import LineMulticast, ProgramPart, compute
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start
from wse_emulator.kernels.mapped_product import Tile, iteration_cycles, mapped_product_cycles
from wse_emulator.wafer.messages import free_latency, message_cycles, wavelets_of
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "panels"
"""Route set of the panels; those of rows and of columns meet on no link."""

ELEMENT_BYTES: Final = 2
HALVES: Final = ("float16", "float16")


def summa_on_two_colors(
    grid: Region, tile: Tile, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[ProgramPart, ...]:
    """The product of two float16 matrices by a program that switches its own routes, with
    streams beside the multiply-adds.

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
        >>> program = summa_on_two_colors(Region(0, 0, 60, 60), (6, 6, 6), WSE2)
        >>> run_by_lines(program, WSE2)
        35756
    """
    multiplied = mapped_product_cycles(tile, HALVES, iteration_cycles(spec), spec)
    return _steps(grid, tile, spec.kernels.summa_step + multiplied, spec, channel)


def summa_by_collectives(
    grid: Region, tile: Tile, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[ProgramPart, ...]:
    """The product of two float16 matrices by the SDK's 2D collectives: both panels arrive before
    the multiply-adds, whose descriptors a scalar loop forms one by one.

    Args:
        grid, tile, spec, channel: as in :func:`summa_on_two_colors`.

    Raises:
        ValueError: the grid is not square.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE2
        >>> program = summa_by_collectives(Region(0, 0, 60, 60), (6, 6, 6), WSE2)
        >>> run_by_lines(program, WSE2)
        107576
    """
    m, k, n = tile
    streamed = max(_wavelets(m * k, spec), _wavelets(k * n, spec))
    multiplied = k * n * pass_cycles(m, HALVES, Start.IN_LOOP, spec)
    return _steps(grid, tile, spec.kernels.collective_call + streamed + multiplied, spec, channel)


def _steps(
    grid: Region, tile: Tile, cycles: Fraction, spec: WaferSpec, channel: str
) -> tuple[ProgramPart, ...]:
    if grid.rows != grid.cols:
        raise ValueError(
            f"panels of both operands need a square grid, and {grid.as_list()} is none"
        )
    m, k, n = tile
    left, right = _wavelets(m * k, spec), _wavelets(k * n, spec)
    if grid.cols > 1:
        to_next_root = free_latency(1, spec)
        cycles -= sum(message_cycles(wavelets, spec) + to_next_root for wavelets in (left, right))
    work = compute("multiply-adds", grid, max(cycles, Fraction(0)))
    parts: list[ProgramPart] = []
    for root in range(grid.cols):
        parts += [
            LineMulticast("left panel", grid, "row", grid.col + root, left, channel),
            LineMulticast("right panel", grid, "column", grid.row + root, right, channel),
            work,
        ]
    return tuple(parts)


def _wavelets(elements: int, spec: WaferSpec) -> int:
    return wavelets_of(elements * ELEMENT_BYTES, spec)
