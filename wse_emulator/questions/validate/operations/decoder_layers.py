"""Decoder layers on a square grid of PEs: decode of one token, and prefill of a sequence.

All lines of the grid do the same, so one row and one column are simulated in place of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.kernels.decode import LayerShare, decode_layer
from wse_emulator.kernels.grouped_all_reduce import usual_group
from wse_emulator.kernels.prefill import prefill_layer
from wse_emulator.questions.validate import groups
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import KernelName, NullSize, Operation
from wse_emulator.questions.validate.operations.grid_products import (
    SIDE,
    half_precision,
    square_grid,
)
from wse_emulator.wafer.machine_file import preset
from wse_emulator.wafer.spec import WaferSpec

PUBLISHED_SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "llama3-8b": (4096, 14336),
    "llama2-13b": (5120, 13824),
    "codellama-34b": (8192, 22016),
    "qwen2-72b": (8192, 29568),
}
"""Model -> hidden and feed-forward size of its published configuration, for records that give only
its name."""

GROUPS_OF_GRID: Final[Mapping[int, int]] = {
    360: 18,
    420: 20,
    480: 20,
    540: 20,
    600: 24,
    660: 22,
    720: 24,
}
"""PEs of a side -> groups of its all-reduces, in the program's configurations
(MeshInfra/WaferLLM@2cd13b5, ``Decode/WSE-3/model_config``)."""

ONE_AXIS: Final = ("wse3", "wse3-silicon")
"""Machines whose program has routes for one axis at a time."""


def _decode(record: Measurement, spec: WaferSpec) -> Modelled:
    """One token, with its keys cached."""
    grid = square_grid(record, spec)
    half_precision(record)
    if record.number("batch", 1) != 1:
        raise NotModelledError("a batch of more than one token is not modelled")
    share, assumptions = _share(record, grid.rows, "kv_length")
    if grid.rows in GROUPS_OF_GRID:
        group = -(-grid.rows // GROUPS_OF_GRID[grid.rows])
    else:
        group = usual_group(grid.rows)
        assumptions = (*assumptions, f"groups of {group} PEs")
    one_axis = preset(record.machine).name in ONE_AXIS
    program = decode_layer(grid, share, group, spec, one_axis=one_axis)
    return Modelled(run_by_lines(program, spec), assumptions)


def _prefill(record: Measurement, spec: WaferSpec) -> Modelled:
    """All tokens of a sequence."""
    grid = square_grid(record, spec)
    half_precision(record)
    share, assumptions = _share(record, grid.rows, "sequence_length")
    return Modelled(run_by_lines(prefill_layer(grid, share, spec), spec), assumptions)


def _share(record: Measurement, side: int, tokens: str) -> tuple[LayerShare, tuple[str, ...]]:
    """What a PE holds, padded to the grid, and what had to be assumed of the layer's sizes."""
    (hidden, ffn), assumptions = _sizes(record)
    share = (-(-size // side) for size in (hidden, ffn, record.number(tokens)))
    return LayerShare(*share), assumptions


def _sizes(record: Measurement) -> tuple[tuple[int, int], tuple[str, ...]]:
    if {"hidden_size", "ffn_size"} & record.parameters.keys():
        return (record.number("hidden_size"), record.number("ffn_size")), ()
    model = record.word("model")
    if model not in PUBLISHED_SIZES:
        raise NotModelledError(f"no hidden_size and ffn_size, and those of {model!r} are not known")
    hidden, ffn = PUBLISHED_SIZES[model]
    return (hidden, ffn), (f"sizes of the published {model}: {hidden} and {ffn}",)


def _multiply_adds(record: Measurement, tokens: int) -> float:
    """Of a PE, for so many tokens."""
    (hidden, ffn), _ = _sizes(record)
    weights = 4 * hidden**2 + 3 * hidden * ffn
    keys = record.number("kv_length", tokens)
    return tokens * (weights + 2 * keys * hidden) / record.number("rows") ** 2


MULTIPLY_ADDS: Final = NullSize(
    "multiply-adds a PE", lambda record: _multiply_adds(record, record.number("sequence_length"))
)

DECODER_LAYERS: Final[Mapping[KernelName, Operation]] = {
    ("decode_layer", ""): Operation(
        _decode,
        groups.DECODE_WSE3,
        SIDE,
        group_on={"wse2": groups.DECODE_WSE2},
    ),
    ("prefill_layer", ""): Operation(_prefill, groups.PREFILL, MULTIPLY_ADDS),
}
"""Decoder layers on a square grid."""
