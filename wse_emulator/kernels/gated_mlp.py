"""A gated MLP on a square grid: ``(up * silu(gate)) down``, with weights that stay on the grid.

Three products whose operands travel (``mesh_gemm``). The input is aligned once, for the two
products that share it; SiLU and the product with it are local; then the hidden tiles are aligned.
"""

from __future__ import annotations

from dataclasses import dataclass

from wse_emulator.activities import ProgramPart, compute
from wse_emulator.kernels.functions import FunctionCode, gated_silu_cycles
from wse_emulator.kernels.mesh_gemm import CHANNEL, alignment, shift_steps
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class MlpTile:
    """The fullest PE's part of each axis of a gated MLP.

    Attributes:
        tokens, inputs, hidden, outputs: its part of each.
    """

    tokens: int
    inputs: int
    hidden: int
    outputs: int


def gated_mlp(
    grid: Region, tile: MlpTile, code: FunctionCode, spec: WaferSpec, *, channel: str = CHANNEL
) -> tuple[ProgramPart, ...]:
    """A gated MLP of float16 matrices.

    Args:
        grid: as many rows as columns.
        tile: of the fullest PE.
        code: how SiLU is applied.
        spec: the machine.
        channel: route set of the tiles.

    Raises:
        ValueError: the grid is not square.

    Example:
        >>> from wse_emulator.engines.by_lines import run_by_lines
        >>> from wse_emulator.wafer import WSE3
        >>> run_by_lines(gated_mlp(Region(0, 0, 8, 8), MlpTile(8, 8, 32, 8), "map", WSE3), WSE3)
        74116
    """
    gated = tile.tokens * tile.hidden
    into_hidden = (tile.tokens, tile.inputs, tile.hidden)
    out_of_hidden = (tile.tokens, tile.hidden, tile.outputs)
    return (
        alignment(grid, "row", tile.tokens * tile.inputs, spec, channel=channel),
        shift_steps(grid, into_hidden, spec, channel=channel),  # up
        shift_steps(grid, into_hidden, spec, channel=channel),  # gate
        compute("gated SiLU", grid, gated_silu_cycles(gated, "float16", code, spec)),
        alignment(grid, "row", gated, spec, channel=channel),
        shift_steps(grid, out_of_hidden, spec, channel=channel),
    )
