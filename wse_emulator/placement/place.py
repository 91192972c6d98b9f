"""Place the parameters of a model on a wafer: a rectangle for each layer, a shard in each PE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod

from wse_emulator.errors import UnknownOpError
from wse_emulator.placement.forms import Blocks, Stack, TensorForm
from wse_emulator.placement.guillotine import guillotine
from wse_emulator.placement.layers import LayerGroup, group_layers, merge_small
from wse_emulator.placement.shards import block_grid, block_runs, flat_runs, next_start
from wse_emulator.placement.values import LayerRegion, Placement, TensorPlacement
from wse_emulator.program import Parameter
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def place(
    parameters: Sequence[Parameter],
    spec: WaferSpec,
    *,
    bytes_per_parameter: Sequence[Fraction | float] | None = None,
    forms: Mapping[int, TensorForm] | None = None,
    layer_bytes: Mapping[str, float] | None = None,
    extent: tuple[int, int] | None = None,
) -> Placement:
    """Give every parameter a rectangle of PEs, and every PE of the rectangle a shard.

    Straight cuts divide the wafer into one rectangle for each layer, sized by its bytes. Within a
    rectangle every PE gets an equal number of elements of each tensor, rounded down or up. The
    PEs that get one more are those after the ones that got one more of the tensor before, so the
    totals differ by about one element (by one matrix for a stack). Where there are more layers
    than PEs, neighbouring layers share a PE.

    Args:
        parameters: in model order; scalars, one-element and empty tensors are fine.
        spec: the machine; all its usable PEs are covered.
        bytes_per_parameter: bytes that lie on the wafer for each element of each parameter:
            the parameter itself, gradient, state. Default: 4 for each.
        forms: the form of each tensor that is not spread element by element
        (:func:`~wse_emulator.placement.forms.tensor_forms`).
        layer_bytes: layer name -> its further bytes, such as activations.
        extent: (rows, cols) to use, from the first PE; default: the whole wafer.

    Returns:
        The placement. Equal arguments give equal placements.

    Raises:
        UnknownOpError: a matrix of a stack is too large to lie whole in a PE.
    """
    if not parameters:
        raise ValueError("there is nothing to place: the model has no parameters")
    per_element = (
        [4.0] * len(parameters)
        if bytes_per_parameter is None
        else [float(b) for b in bytes_per_parameter]
    )
    for index, form in (forms or {}).items():
        if isinstance(form, Stack):
            _check_whole(parameters[index], form, per_element[index], spec)
    loads = [p.numel * b for p, b in zip(parameters, per_element, strict=True)]
    groups = group_layers([p.name for p in parameters], loads, dict(layer_bytes or {}))
    total = sum(group.load_bytes for group in groups)
    # A layer worth less than half a line of PEs would waste the rest of its line.
    rows, cols = extent or (spec.rows, spec.cols)
    half_line = total / max(rows, cols) / 2
    groups = merge_small(groups, half_line, rows * cols)
    wafer = Region(0, 0, rows, cols)
    regions = guillotine(wafer, [group.load_bytes for group in groups])
    placed: dict[int, TensorPlacement] = {}
    for group, region in zip(groups, regions, strict=True):
        placed |= _shards(group, region, parameters, forms or {})
    return Placement(
        wafer=spec,
        layers=tuple(
            LayerRegion(group.name, region, group.tensors, group.members)
            for group, region in zip(groups, regions, strict=True)
        ),
        tensors=tuple(placed[index] for index in range(len(parameters))),
        controller=(spec.rows // 2, 0),
    )


def _shards(
    group: LayerGroup,
    region: Region,
    parameters: Sequence[Parameter],
    forms: Mapping[int, TensorForm],
) -> dict[int, TensorPlacement]:
    placed: dict[int, TensorPlacement] = {}
    flat_start = row_start = col_start = 0
    for index in group.tensors:
        parameter = parameters[index]
        form = forms.get(index)
        if isinstance(form, Blocks):
            matrix = (form.rows, form.cols)
            start = (row_start, col_start)
            grid = block_grid(
                matrix, region.rows, region.cols, start, down=form.down, across=form.across
            )
            row_start = next_start(form.rows, region.rows, row_start)
            col_start = next_start(form.cols, region.cols, col_start)
            placed[index] = TensorPlacement(
                index, parameter.name, region, "blocks", block_runs(grid), grid
            )
        elif isinstance(form, Stack):
            matrix = (form.rows, form.cols)
            elements = prod(matrix)
            stacked = parameter.numel // elements
            runs = tuple(
                (pes, matrices * elements)
                for pes, matrices in flat_runs(stacked, region.pes, flat_start)
            )
            flat_start = next_start(stacked, region.pes, flat_start)
            placed[index] = TensorPlacement(
                index, parameter.name, region, "stack", runs, matrix=matrix
            )
        else:
            runs = flat_runs(parameter.numel, region.pes, flat_start)
            flat_start = next_start(parameter.numel, region.pes, flat_start)
            placed[index] = TensorPlacement(index, parameter.name, region, "flat", runs)
    return placed


def _check_whole(parameter: Parameter, form: Stack, bytes_each: float, spec: WaferSpec) -> None:
    needed = form.rows * form.cols * bytes_each
    room = spec.sram_bytes_per_pe - spec.reserved_bytes_per_pe
    if needed > room:
        raise UnknownOpError(
            f"the step of {parameter.name} keeps statistics of each of its "
            f"{prod(parameter.shape[:-2])} matrices of {form.rows} x {form.cols} apart, and they "
            f"are too large to lie whole in one PE: {needed:,.0f} B of the {room:,} B there are",
            parameter=parameter.name,
            remedy="give each matrix a parameter of its own, which is cut into blocks, choose an "
            "optimizer whose step is elementwise, or stream the weights (--mode weight-streaming)",
        )
