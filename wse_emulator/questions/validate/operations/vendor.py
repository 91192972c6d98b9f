"""Kernels of the vendor's compile reports: all-reduce, norms, softmax and loss, fully connected
layers, attention.

A compile report gives the rate at which a kernel alone would take tokens. Where tokens are under
way one behind the other (fully connected layers), the time of a token is therefore what one more
token adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wse_emulator.activities import Activity, Axis
from wse_emulator.engines.alone import run_alone
from wse_emulator.kernels.all_reduce import all_reduce_in_lines, rectangle_maximum, rectangle_sum
from wse_emulator.kernels.attention import (
    attention_core_backward,
    attention_core_forward,
    attention_softmax,
)
from wse_emulator.kernels.elementwise import (
    converted_stream,
    gelu_backward,
    gelu_forward,
    residual_sum,
)
from wse_emulator.kernels.fully_connected import (
    fully_connected_delta,
    fully_connected_forward,
    fully_connected_gradient,
)
from wse_emulator.kernels.layer_norm import layer_norm_backward, layer_norm_forward
from wse_emulator.kernels.loss import exponentials_sum, logits_maximum, loss_gradient
from wse_emulator.questions.validate import groups
from wse_emulator.questions.validate.kernels import line_region
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import KernelName, NullSize, Operation
from wse_emulator.wafer.formats import HALF_FLOATS
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

KEYS: Final = 16
"""Keys of a row on a PE, where a report of attention's core does not print them: as many as the
softmax record of the same model has."""

DIRECTIONS: Final = {
    "dense_to_sparse": True,
    "delta_dense_to_sparse": False,
    "sparse_to_dense": False,
    "delta_sparse_to_dense": False,
}
"""Direction of a format conversion -> whether it forms the indices."""

_PE: Final = Region(0, 0, 1, 1)
_NEIGHBOURS: Final = Region(0, 0, 2, 2)
_Elementwise = Callable[[Region, int, WaferSpec], Sequence[Activity]]


def _dtype(record: Measurement) -> str:
    """Format of the elements; ``float16_mixed`` sums 16-bit elements in float32 where the kernel
    sums over tokens."""
    dtype = record.word("dtype", "float16").removesuffix("_mixed")
    if dtype not in (*HALF_FLOATS, "float32"):
        raise NotModelledError(
            f"format {dtype!r} is not modelled; one of float32 or a 16-bit float"
        )
    return dtype


def _elapsed(activities: Sequence[Activity], region: Region, spec: WaferSpec) -> int:
    return run_alone(activities, spec.scaled(region.rows, region.cols)).elapsed_cycles


def _line(record: Measurement, spec: WaferSpec) -> tuple[Region, Axis]:
    region = line_region(record.number("pes"), spec)
    return region, "row" if region.rows == 1 else "column"


def _rectangle(record: Measurement) -> Region:
    return Region(0, 0, record.number("rows"), record.number("cols"))


def _all_reduce(record: Measurement, spec: WaferSpec) -> Modelled:
    region, axis = _line(record, spec)
    wavelets = record.number("wavelets", 1)
    activities = all_reduce_in_lines(region, spec, axis=axis, wavelets=wavelets)
    return Modelled(_elapsed(activities, region, spec))


def _all_reduce_maximum(record: Measurement, spec: WaferSpec) -> Modelled:
    region, wavelets = _rectangle(record), record.number("wavelets", 1)
    return Modelled(_elapsed(rectangle_maximum(region, spec, wavelets=wavelets), region, spec))


def _all_reduce_sum(record: Measurement, spec: WaferSpec) -> Modelled:
    region, wavelets = _rectangle(record), record.number("wavelets", 1)
    cycles = _elapsed(rectangle_sum(region, spec, wavelets=wavelets), region, spec)
    return Modelled(cycles, ("both sides of the longer axis at once; one record cannot tell",))


def _layer_norm_forward(record: Measurement, spec: WaferSpec) -> Modelled:
    region, axis = _line(record, spec)
    elements, dtype = record.number("elements_per_pe"), _dtype(record)
    return Modelled(
        _elapsed(layer_norm_forward(region, elements, spec, axis=axis, dtype=dtype), region, spec)
    )


def _layer_norm_backward(record: Measurement, spec: WaferSpec) -> Modelled:
    region, axis = _line(record, spec)
    elements = record.number("elements_per_pe")
    _dtype(record)
    return Modelled(_elapsed(layer_norm_backward(region, elements, spec, axis=axis), region, spec))


def _row_max(record: Measurement, spec: WaferSpec) -> Modelled:
    region, elements = _rectangle(record), record.number("elements_per_pe")
    activities = logits_maximum(region, elements, spec, dtype=_dtype(record))
    return Modelled(_elapsed(activities, region, spec))


def _row_sum(record: Measurement, spec: WaferSpec) -> Modelled:
    region, elements = _rectangle(record), record.number("elements_per_pe")
    activities = exponentials_sum(region, elements, spec, dtype=_dtype(record))
    return Modelled(_elapsed(activities, region, spec))


def _on_one_pe(kernel: _Elementwise) -> Callable[[Measurement, WaferSpec], Modelled]:
    """A kernel whose PEs do not exchange anything, on its fullest PE."""

    def model(record: Measurement, spec: WaferSpec) -> Modelled:
        elements = record.number("elements_per_pe")
        _dtype(record)
        return Modelled(_elapsed(kernel(_PE, elements, spec), _PE, spec))

    return model


def _conversion(record: Measurement, spec: WaferSpec) -> Modelled:
    forms_indices = DIRECTIONS[record.one_of("direction", *DIRECTIONS)]
    elements = record.number("elements_per_pe")
    activities = converted_stream(_PE, elements, spec, forms_indices=forms_indices)
    return Modelled(_elapsed(activities, _PE, spec))


def _softmax_recompute(record: Measurement, spec: WaferSpec) -> Modelled:
    return _softmax(record, spec, exchanged=False)


def _softmax_forward(record: Measurement, spec: WaferSpec) -> Modelled:
    return _softmax(record, spec, exchanged=True)


def _softmax(record: Measurement, spec: WaferSpec, *, exchanged: bool) -> Modelled:
    keys = record.number("keys_per_pe")
    _dtype(record)
    activities = attention_softmax(_PE, keys, spec, exchanged=exchanged)
    return Modelled(_elapsed(activities, _PE, spec))


def _fully_connected(record: Measurement, spec: WaferSpec) -> Modelled:
    """A further token through the three products; sums pass between neighbours on both axes."""
    region, dtype = _NEIGHBOURS, _dtype(record)
    inputs, outputs = record.number("inputs_per_pe"), record.number("outputs_per_pe")
    token = (
        *fully_connected_forward(region, inputs, outputs, spec, dtype=dtype),
        *fully_connected_delta(region, inputs, outputs, spec, dtype=dtype),
        *fully_connected_gradient(region, inputs, outputs, spec, dtype=dtype),
    )
    one, two = (_elapsed(token * tokens, region, spec) for tokens in (1, 2))
    return Modelled(two - one)


def _attention_forward(record: Measurement, spec: WaferSpec) -> Modelled:
    keys, rows, head_dim, dtype = _rows_of_attention(record)
    row = attention_core_forward(_PE, 1, keys, head_dim, spec, dtype=dtype)
    return Modelled(rows * _elapsed(row, _PE, spec), (_layout(keys),))


def _attention_backward(record: Measurement, spec: WaferSpec) -> Modelled:
    keys, rows, head_dim, dtype = _rows_of_attention(record)
    row = attention_core_backward(_PE, 1, keys, head_dim, spec, dtype=dtype)
    return Modelled(rows * _elapsed(row, _PE, spec), (_layout(keys),))


def _rows_of_attention(record: Measurement) -> tuple[int, int, int, str]:
    """Keys of a row on a PE, rows on the fullest PE, width of a head, format."""
    length, heads = record.number("sequence_length"), record.number("heads")
    keys = min(record.number("keys_per_pe", KEYS), length)
    rows = -(-(length * length * heads) // (record.number("pes") * keys))
    return keys, rows, record.number("head_dim"), _dtype(record)


def _layout(keys: int) -> str:
    return f"{keys} keys of a row on a PE; the report does not print the layout"


def _pes(record: Measurement) -> float:
    return record.number("pes")


def _elements(record: Measurement) -> float:
    return record.number("elements_per_pe")


def _keys(record: Measurement) -> float:
    return record.number("keys_per_pe")


PES: Final = NullSize("PEs", _pes)
ELEMENTS: Final = NullSize("elements a PE", _elements)
KEYS_OF_A_ROW: Final = NullSize("keys a PE", _keys)
SIDES: Final = NullSize(
    "rows + columns", lambda record: record.number("rows") + record.number("cols")
)
TILE: Final = NullSize(
    "inputs x outputs",
    lambda record: record.number("inputs_per_pe") * record.number("outputs_per_pe"),
)

VENDOR: Final[Mapping[KernelName, Operation]] = {
    ("allreduce_row", ""): Operation(_all_reduce, groups.VENDOR, PES),
    ("allreduce_2d_max", ""): Operation(_all_reduce_maximum, groups.VENDOR, SIDES),
    ("allreduce_2d_sum", ""): Operation(_all_reduce_sum, groups.VENDOR, SIDES),
    ("layernorm_forward", ""): Operation(_layer_norm_forward, groups.VENDOR, ELEMENTS),
    ("layernorm_backward", ""): Operation(_layer_norm_backward, groups.VENDOR, ELEMENTS),
    ("residual_add", ""): Operation(_on_one_pe(residual_sum), groups.VENDOR, ELEMENTS),
    ("format_conversion", ""): Operation(_conversion, groups.VENDOR, ELEMENTS),
    ("row_max", ""): Operation(_row_max, groups.VENDOR, ELEMENTS),
    ("row_sum", ""): Operation(_row_sum, groups.VENDOR, ELEMENTS),
    ("attention_softmax_recompute", ""): Operation(
        _softmax_recompute, groups.VENDOR, KEYS_OF_A_ROW
    ),
    ("attention_softmax_forward", ""): Operation(_softmax_forward, groups.VENDOR, KEYS_OF_A_ROW),
    ("softmax_loss_gradient", ""): Operation(_on_one_pe(loss_gradient), groups.NO_TEST, ELEMENTS),
    ("gelu_forward", ""): Operation(_on_one_pe(gelu_forward), groups.NO_TEST, ELEMENTS),
    ("gelu_backward", ""): Operation(_on_one_pe(gelu_backward), groups.NO_TEST, ELEMENTS),
    ("fully_connected_train", ""): Operation(_fully_connected, groups.FULLY_CONNECTED, TILE),
    ("attention_core_forward", ""): Operation(_attention_forward, groups.ATTENTION),
    ("attention_core_backward", ""): Operation(_attention_backward, groups.ATTENTION),
}
"""The operations of the vendor's compile reports."""
