"""Products on a square grid of PEs, written in CSL: MeshGEMM, SUMMA, and a vector times a matrix.

All lines of the grid do the same, so one row and one column are simulated in place of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Final

from wse_emulator.activities import ProgramPart
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.errors import CollectiveError
from wse_emulator.kernels.gemv import grouped_gemv, pipelined_gemv
from wse_emulator.kernels.grouped_all_reduce import usual_group
from wse_emulator.kernels.mapped_product import Tile
from wse_emulator.kernels.mesh_gemm import mesh_gemm
from wse_emulator.kernels.summa import summa_by_collectives, summa_on_two_colors
from wse_emulator.questions.validate import groups
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import KernelName, NullSize, Operation
from wse_emulator.wafer.formats import HALF_FLOATS
from wse_emulator.wafer.machine_file import preset
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

GridProduct = Callable[[Region, Tile, WaferSpec], Sequence[ProgramPart]]


def _product(kernel: GridProduct) -> Callable[[Measurement, WaferSpec], Modelled]:
    """C (n x m) = A (n x k) B (k x m), tiles padded to one size."""

    def model(record: Measurement, spec: WaferSpec) -> Modelled:
        grid = square_grid(record, spec)
        half_precision(record)
        n, k, m = (record.number(name) for name in ("n", "k", "m"))
        tile = (-(-n // grid.rows), -(-k // grid.rows), -(-m // grid.rows))
        return Modelled(run_by_lines(kernel(grid, tile, spec), spec))

    return model


def _mesh_gemv(record: Measurement, spec: WaferSpec) -> Modelled:
    """y (1 x m) = x (1 x n) W (n x m), summed along the columns over groups."""
    assumptions = []
    grid = square_grid(record, spec, default=min(spec.rows, spec.cols))
    if "rows" not in record.parameters:
        assumptions.append(f"grid {grid.rows} x {grid.cols}")
    group = record.number("group", usual_group(grid.rows))
    if "group" not in record.parameters:
        assumptions.append(f"groups of {group} PEs")
    program = grouped_gemv(grid, _tile(record, grid), group, spec)
    return Modelled(run_by_lines(program, spec), tuple(assumptions))


def _small_gemv(record: Measurement, spec: WaferSpec) -> Modelled:
    """The same with a square matrix, where the record gives the number of groups."""
    grid = square_grid(record, spec)
    group = -(-grid.rows // record.number("groups"))
    tile = -(-record.number("n") // grid.rows)
    half_precision(record)
    return Modelled(run_by_lines(grouped_gemv(grid, (tile, tile), group, spec), spec))


def _pipelined_gemv(record: Measurement, spec: WaferSpec) -> Modelled:
    grid = square_grid(record, spec)
    return Modelled(run_by_lines(pipelined_gemv(grid, _tile(record, grid), spec), spec))


def square_grid(record: Measurement, spec: WaferSpec, default: int | None = None) -> Region:
    """The record's grid of PEs, with ``default`` rows and columns if it gives none.

    Raises:
        MalformedFileError: a number of PEs is missing or none.
        NotModelledError: the grid is not square.
        CollectiveError: the wafer is smaller.
    """
    rows = record.number("rows", default)
    cols = record.number("cols", default)
    if rows != cols:
        raise NotModelledError(f"a grid of {rows} x {cols} PEs; the program needs a square one")
    if rows > min(spec.rows, spec.cols):
        raise CollectiveError(
            f"a grid of {rows} x {cols} PEs exceeds {spec.name}'s {spec.rows} rows and "
            f"{spec.cols} columns"
        )
    return Region(0, 0, rows, cols)


def _tile(record: Measurement, grid: Region) -> tuple[int, int]:
    """Inputs and outputs of a PE."""
    half_precision(record)
    return -(-record.number("n") // grid.rows), -(-record.number("m") // grid.cols)


def half_precision(record: Measurement) -> None:
    """Raise NotModelledError unless the record's numbers are of a 16-bit format."""
    record.one_of("dtype", *HALF_FLOATS, default="float16")


def _multiply_adds(record: Measurement) -> float:
    """Of a PE, on the largest square grid where the record names none."""
    machine = preset(record.machine)
    rows = record.number("rows", min(machine.rows, machine.cols))
    sides = [record.number(name) for name in ("n", "k", "m") if name in record.parameters]
    return prod(sides) / rows**2


MULTIPLY_ADDS: Final = NullSize("multiply-adds a PE", _multiply_adds)
SIDE: Final = NullSize("PEs of a side", lambda record: record.number("rows"))

GRID_PRODUCTS: Final[Mapping[KernelName, Operation]] = {
    ("gemm", "meshgemm"): Operation(_product(mesh_gemm), groups.GEMM, MULTIPLY_ADDS),
    ("gemm_summa", "two_color_pipelined"): Operation(
        _product(summa_on_two_colors), groups.GEMM, MULTIPLY_ADDS
    ),
    ("gemm_summa", "sdk_collectives_2d"): Operation(
        _product(summa_by_collectives), groups.GEMM, MULTIPLY_ADDS
    ),
    ("gemv", "meshgemv"): Operation(_mesh_gemv, groups.GEMV, MULTIPLY_ADDS),
    ("gemv_pipeline", ""): Operation(_pipelined_gemv, groups.GEMV, SIDE),
    ("gemv_grouped", ""): Operation(_small_gemv, groups.SMALL_PROGRAMS),
}
"""Products on a square grid."""
