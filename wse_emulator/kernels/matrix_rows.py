"""Softmax and RMSNorm of the rows of a matrix that lies in tiles on a rectangle of PEs.

Each PE has some columns of some rows. What a row needs of all its columns, its maximum or a sum, is
combined along the row of PEs by tasks in software: both ends pass on towards the middle, and the
result returns by a multicast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from wse_emulator.activities import Activity, Chain, compute
from wse_emulator.collectives import LineAlgorithm, LineSet, all_reduce_lines, root_of
from wse_emulator.cost.instructions import Instruction, instruction_cycles, plain_instruction
from wse_emulator.cost.starts import Start
from wse_emulator.kernels.functions import FunctionCode, element_function_cycles
from wse_emulator.kernels.scalar_loops import LoopBody, iteration_cycles, straight_cycles
from wse_emulator.wafer.formats import BYTES, lane_dtype
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "rows"
"""Route set of the sums and maxima, unless the caller names another."""

_ROOT_INSTRUCTIONS: Final = 3
"""Instructions of the PE in the middle of a line: it takes two streams and sends one."""


@dataclass(frozen=True, slots=True)
class RowTile:
    """The fullest PE's part of a matrix.

    Attributes:
        rows: of which the PE has a part.
        cols: of each of them on the PE.
        dtype: format of the numbers.
    """

    rows: int
    cols: int
    dtype: str


def row_softmax(
    region: Region, tile: RowTile, code: FunctionCode, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[Activity, ...]:
    """Softmax of every row, with one number of a row after the other in each column of the tile.

    Scale; maximum, column by column; its all-reduce; the maximum subtracted, exponentials, their
    sums; the all-reduce of the sums; their reciprocals; every column times them.

    Args:
        region: the PEs.
        tile: of the fullest PE.
        code: how the exponential is applied.
        spec: the machine.
        channel: route set.

    Raises:
        WaferSpecError: the machine has no rate, or its library no function, in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> row, tile = Region(0, 0, 1, 8), RowTile(8, 16, "float16")
        >>> run_alone(row_softmax(row, tile, "map", WSE3), WSE3.scaled(1, 8)).elapsed_cycles
        7394
    """
    lanes, size, elements = lane_dtype(tile.dtype), BYTES[tile.dtype], tile.rows * tile.cols

    def by_columns(op_class: str) -> int:
        plain = plain_instruction(op_class, lanes)
        stepped = replace(plain, passes=tile.cols, start=Start.STEPS)
        return instruction_cycles(stepped, tile.rows, spec)

    scaled = instruction_cycles(Instruction("mul", lanes, size, size), elements, spec)
    exponentials = element_function_cycles("exp", elements, tile.dtype, code, spec)
    reciprocal = LoopBody(loads=1, stores=1, calls=("division",))
    reciprocals = tile.rows * iteration_cycles(reciprocal, tile.dtype, spec)
    return (
        compute("maximum", region, scaled + by_columns("max")),
        *_all_reduce(region, tile, "maximum", channel, spec),
        compute("exponentials", region, by_columns("add") + exponentials + by_columns("add")),
        *_all_reduce(region, tile, "sum", channel, spec),
        compute("quotients", region, reciprocals + by_columns("mul")),
    )


def row_rms_norm(
    region: Region, tile: RowTile, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[Activity, ...]:
    """RMSNorm of every row: the sum of its squares, then two multiplies.

    Costed row by row: squares into a register, and products with the weights and with the
    reciprocal root, an instruction each.

    Args:
        region: the PEs.
        tile: of the fullest PE.
        spec: the machine.
        channel: route set.

    Raises:
        WaferSpecError: the machine has no rate, or its library no function, in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> row, tile = Region(0, 0, 1, 8), RowTile(8, 16, "float16")
        >>> run_alone(row_rms_norm(row, tile, WSE3), WSE3.scaled(1, 8)).elapsed_cycles
        1709
    """
    lanes = lane_dtype(tile.dtype)
    squares, product = (
        tile.rows * instruction_cycles(plain_instruction(op_class, lanes), tile.cols, spec)
        for op_class in ("reduce", "mul")
    )
    root = straight_cycles(LoopBody(calls=("sqrt", "division")), tile.dtype, spec)
    return (
        compute("squares", region, squares),
        *_all_reduce(region, tile, "sum", channel, spec),
        compute("products", region, tile.rows * root + 2 * product),
    )


def _all_reduce(
    region: Region, tile: RowTile, name: str, channel: str, spec: WaferSpec
) -> tuple[Activity, ...]:
    """Combine a number of each row of the tile along the lines of PEs."""
    if region.cols == 1:
        return ()
    lines = LineSet(
        name=name,
        region=region,
        axis="row",
        root=root_of(region, "centre")[1],
        wavelets=-(-tile.rows * BYTES[tile.dtype] // spec.wavelet_bytes),
        channel=channel,
    )
    combined = all_reduce_lines(lines, spec, algorithm=LineAlgorithm("chain"))
    return (
        compute(name, region, _ROOT_INSTRUCTIONS * spec.launch_cycles),
        *(replace(part, software=True) if isinstance(part, Chain) else part for part in combined),
    )
