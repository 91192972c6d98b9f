"""Small programs of the vendor's simulator: on one PE, or on a rectangle of a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wse_emulator.activities import ProgramPart
from wse_emulator.engines.alone import run_alone
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.errors import InputError
from wse_emulator.kernels.gated_mlp import MlpTile, gated_mlp
from wse_emulator.kernels.matrix_rows import RowTile, row_rms_norm, row_softmax
from wse_emulator.kernels.n_body import n_body_forces
from wse_emulator.kernels.query_attention import query_attention
from wse_emulator.kernels.scalar_loops import rounded_rms_norm, scalar_kernel
from wse_emulator.kernels.tile_products import (
    mapped_matrix_vector,
    scalar_matrix_vector,
    widened_matrix_vector,
)
from wse_emulator.questions.validate import groups
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import (
    KernelName,
    NullSize,
    Operation,
)
from wse_emulator.questions.validate.operations.grid_products import square_grid
from wse_emulator.questions.validate.operations.scalar import (
    float_format,
    function_code,
    on_one_pe,
)
from wse_emulator.wafer.formats import HALF_FLOATS
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def _gemv_tile(record: Measurement, spec: WaferSpec) -> Modelled:
    inputs, outputs = record.number("inputs_per_pe"), record.number("outputs_per_pe")
    dtype = float_format(record)
    sums = record.one_of("accumulate", "float32", *HALF_FLOATS, default=dtype)
    code = record.one_of("code", "scalar_loop", "map", "dsd", default="dsd")
    if code == "scalar_loop":
        return on_one_pe(record, scalar_matrix_vector(inputs, outputs, sums, spec), spec)
    if sums != dtype:
        if dtype == "float32":
            raise NotModelledError(f"no sums in {sums} of a matrix in float32")
        return on_one_pe(record, widened_matrix_vector(inputs, outputs, spec), spec)
    return on_one_pe(record, mapped_matrix_vector(inputs, outputs, dtype, spec), spec)


def _row_softmax(record: Measurement, spec: WaferSpec) -> Modelled:
    region, tile = _tile(record)
    return _on_rectangle(row_softmax(region, tile, function_code(record), spec), region, spec)


def _rms_norm(record: Measurement, spec: WaferSpec) -> Modelled:
    if "matrix_rows" in record.parameters:
        region, tile = _tile(record)
        return _on_rectangle(row_rms_norm(region, tile, spec), region, spec)
    elements, dtype = _elements(record), float_format(record)
    record.one_of("code", "scalar_loop", default="scalar_loop")
    if "rounded_to" in record.parameters:
        record.one_of("rounded_to", *HALF_FLOATS)
        return on_one_pe(record, rounded_rms_norm(elements, dtype, spec), spec)
    return on_one_pe(record, scalar_kernel("rmsnorm", elements, dtype, spec), spec)


def _tile(record: Measurement) -> tuple[Region, RowTile]:
    """The rectangle of PEs, and the fullest PE's part of the matrix."""
    region = Region(0, 0, record.number("rows"), record.number("cols"))
    rows = -(-record.number("matrix_rows") // region.rows)
    cols = -(-record.number("matrix_cols") // region.cols)
    return region, RowTile(rows, cols, float_format(record))


def _on_rectangle(program: Sequence[ProgramPart], region: Region, spec: WaferSpec) -> Modelled:
    return Modelled(run_alone(program, spec.scaled(region.rows, region.cols)).elapsed_cycles)


def _attention(record: Measurement, spec: WaferSpec) -> Modelled:
    keys, head_dim = record.number("sequence_length"), record.number("head_dim")
    pes = record.number("pes", record.number("rows", 1) * record.number("cols", 1))
    causal, dtype = record.flag("causal"), float_format(record)
    try:
        program = query_attention(-(-keys // pes), keys, head_dim, dtype, spec, causal=causal)
    except InputError as error:  # another program spreads the keys over PEs, too
        raise NotModelledError(str(error)) from error
    timing = run_alone(program, spec.scaled(1, 1))
    return Modelled(timing.elapsed_cycles, ("every PE holds all keys and values",))


def _mlp(record: Measurement, spec: WaferSpec) -> Modelled:
    grid = square_grid(record, spec)
    record.one_of("dtype", *HALF_FLOATS)
    sizes = (record.number(name) for name in ("tokens", "inputs", "hidden", "outputs"))
    tile = MlpTile(*(-(-size // grid.rows) for size in sizes))
    code = function_code(record, default="map")
    return Modelled(
        run_by_lines(gated_mlp(grid, tile, code, spec), spec),
        ("gated by SiLU", f"exponentials by {code.replace('_', ' ')}"),
    )


def _n_body(record: Measurement, spec: WaferSpec) -> Modelled:
    messages = record.number("rows") * record.number("cols") - 1
    bodies = record.number("bodies_per_pe", 1)
    if messages == 0 and bodies == 1:
        raise NotModelledError("one body has no interaction")
    program = n_body_forces(messages, bodies, float_format(record), spec)
    return Modelled(
        run_alone(program, spec.scaled(1, 1)).elapsed_cycles,
        ("counters and tests of the tasks take no time",),
    )


def _elements(record: Measurement) -> int:
    """Of the matrix or vector, on the fullest PE."""
    if "matrix_rows" not in record.parameters:
        given = "elements_per_pe" if "elements_per_pe" in record.parameters else "elements"
        return record.number(given)
    _, tile = _tile(record)
    return tile.rows * tile.cols


_ELEMENTS: Final = NullSize("elements", _elements)
_TILE: Final = NullSize(
    "inputs x outputs",
    lambda record: record.number("inputs_per_pe") * record.number("outputs_per_pe"),
)

SMALL_PROGRAMS: Final[Mapping[KernelName, Operation]] = {
    ("gemv_tile", ""): Operation(_gemv_tile, groups.SMALL_PROGRAMS, _TILE),
    ("row_softmax", ""): Operation(_row_softmax, groups.SMALL_PROGRAMS, _ELEMENTS),
    ("rmsnorm", ""): Operation(_rms_norm, groups.SMALL_PROGRAMS, _ELEMENTS),
    ("mlp", ""): Operation(_mlp, groups.SMALL_PROGRAMS),
    ("attention", ""): Operation(_attention, groups.SMALL_PROGRAMS),
    ("nbody_step", ""): Operation(_n_body, groups.SMALL_PROGRAMS),
}
"""Small programs of the vendor's simulator."""
