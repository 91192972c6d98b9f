"""Which algorithm multiplies two matrices fastest on a grid of PEs?

The same product by MeshGEMM, whose operands both travel, and by SUMMA, whose panels are multicast:
by a program that switches its own routes, and by the SDK's collectives. More PEs have smaller
tiles, and more steps whose start they wait for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from scenarios._answer import ScenarioAnswer, answer_options, report_answer
from wse_emulator.activities import ProgramPart
from wse_emulator.cli.main import run_command
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.errors import CollectiveError, DoesNotFitError
from wse_emulator.kernels.mapped_product import Tile
from wse_emulator.kernels.mesh_gemm import ELEMENT_BYTES, mesh_gemm
from wse_emulator.kernels.summa import summa_by_collectives, summa_on_two_colors
from wse_emulator.results.words import cycles, seconds, significant
from wse_emulator.views.charts import figure_bars
from wse_emulator.views.table import Table
from wse_emulator.wafer import WaferSpec, parse_wafer
from wse_emulator.wafer.region import Region

QUESTION = "Which algorithm multiplies matrices fastest?"
ALGORITHMS: Final[Mapping[str, Callable[[Region, Tile, WaferSpec], Sequence[ProgramPart]]]] = {
    "MeshGEMM": mesh_gemm,
    "SUMMA on two colors": summa_on_two_colors,
    "SUMMA by the SDK's collectives": summa_by_collectives,
}
GRIDS = "180,360,540,720"
TILES_OF_A_PE = 5
"""Its own and the arriving tile of either operand, and that of the product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridTimes:
    """What the algorithms take on a grid of ``side`` x ``side`` PEs: name -> cycles."""

    side: int
    taken: Mapping[str, int]

    @property
    def fastest(self) -> str:
        return min(self.taken, key=self.taken.__getitem__)

    @property
    def name(self) -> str:
        return f"{self.side} x {self.side}"


def rate_reached(size: int, side: int, taken: int) -> float:
    """Multiply-adds of the product in a cycle of one PE."""
    return size**3 / (side**2 * taken)


def answer(size: int, times: list[GridTimes], spec: WaferSpec) -> ScenarioAnswer:
    """Compare the algorithms on each grid, and the grids."""
    winners: dict[str, list[str]] = {}
    for grid in times:
        winners.setdefault(grid.fastest, []).append(grid.name)
    best = min(times, key=lambda grid: grid.taken[grid.fastest])
    least = best.taken[best.fastest]
    product = f"two float16 matrices of {size:,} x {size:,} on {spec.name}"
    words = (
        f"The fastest for {product} is "
        + "; ".join(f"{name} on {_listed(grids)} PEs" for name, grids in winners.items())
        + ".",
        *(_on_grid(size, grid) for grid in times),
        f"The least time of all is that of {best.fastest} on {best.name} PEs: {cycles(least)} = "
        f"{seconds(least / spec.clock_hz)}.",
    )
    table = Table(
        (
            "PEs_of_a_side",
            "tile_side",
            "algorithm",
            "cycles",
            "microseconds",
            "multiply_adds_per_cycle_and_PE",
        ),
        tuple(
            (
                grid.side,
                tile_side(size, grid.side),
                name,
                taken,
                1e6 * taken / spec.clock_hz,
                rate_reached(size, grid.side, taken),
            )
            for grid in times
            for name, taken in grid.taken.items()
        ),
    )
    picture = figure_bars(
        [f"{grid.name} PEs" for grid in times],
        {name: [grid.taken[name] for grid in times] for name in ALGORITHMS},
        question=f"{QUESTION} {product[0].upper()}{product[1:]}",
        answer=words[0],
        unit="cycles",
    )
    return ScenarioAnswer(words=words, table=table, pictures={"products": picture})


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _on_grid(size: int, grid: GridTimes) -> str:
    least = grid.taken[grid.fastest]
    others = (
        f"{name} {taken / least:.2f} times as long"
        for name, taken in grid.taken.items()
        if name != grid.fastest
    )
    reached = significant(rate_reached(size, grid.side, least))
    return (
        f"On {grid.name} PEs {grid.fastest} takes {cycles(least)}, {reached} multiply-adds a cycle "
        f"and PE; {', '.join(others)}."
    )


def tile_side(size: int, side: int) -> int:
    """Rows and columns of a PE's tile; the last tiles of a matrix are padded."""
    return -(-size // side)


def time_grid(size: int, side: int, spec: WaferSpec) -> GridTimes:
    """Simulate each algorithm on one grid.

    Raises:
        CollectiveError: the wafer is smaller than the grid.
        DoesNotFitError: the tiles of a PE exceed its SRAM.
    """
    if side > min(spec.rows, spec.cols):
        raise CollectiveError(
            f"a grid of {side} x {side} PEs exceeds {spec.name}'s {spec.rows} rows and "
            f"{spec.cols} columns; name smaller ones with --grids"
        )
    tile = tile_side(size, side)
    held = TILES_OF_A_PE * tile**2 * ELEMENT_BYTES
    if held > spec.sram_bytes_per_pe:
        raise DoesNotFitError(
            f"on {side} x {side} PEs the tiles of a product of {size:,} x {size:,} take {held:,} B "
            f"of {spec.sram_bytes_per_pe:,} B a PE; name larger grids with --grids or a "
            "smaller --size"
        )
    grid = Region(0, 0, side, side)
    taken = {
        name: run_by_lines(kernel(grid, (tile, tile, tile), spec), spec)
        for name, kernel in ALGORITHMS.items()
    }
    return GridTimes(side=side, taken=taken)


@click.command()
@click.option(
    "--size",
    type=click.IntRange(min=1),
    default=2160,
    show_default=True,
    help="Rows and columns of the matrices.",
)
@click.option("--grids", default=GRIDS, show_default=True, help="PEs of a side, by commas.")
@click.option("--wafer", default="wse3-silicon", show_default=True, help="The machine.")
@answer_options
def main(size: int, grids: str, wafer: str, out: Path | None, force: bool) -> int:
    """Time a product of matrices by each algorithm on several grids."""
    try:
        sides = sorted({int(side) for side in grids.split(",")})
    except ValueError as error:
        raise click.BadParameter(f"{grids!r} is no list of numbers; as {GRIDS}") from error
    if sides[0] < 1:
        raise click.BadParameter(f"{grids!r} names a grid without PEs; as {GRIDS}")
    spec = parse_wafer(wafer)
    return report_answer(
        answer(size, [time_grid(size, side, spec) for side in sides], spec), out, force=force
    )


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "product_algorithms"))
