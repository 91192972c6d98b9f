"""What a kernel's time depends on: lanes and fields of the machine, and its coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest

from tests.kernels.timed import disagreement, elapsed, with_coefficient
from wse_emulator.activities import Activity
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
from wse_emulator.wafer import WSE2, WSE3, WSE3_SILICON, Region, WaferSpec
from wse_emulator.wafer.lanes import LaneRate

KernelOf = Callable[[Region, int, WaferSpec], Sequence[Activity]]

KERNELS: dict[str, KernelOf] = {
    "all-reduce of rows": lambda region, _, spec: all_reduce_in_lines(region, spec),
    "all-reduce of columns": lambda region, _, spec: all_reduce_in_lines(
        region, spec, axis="column"
    ),
    "maximum": lambda region, _, spec: rectangle_maximum(region, spec),
    "sum": lambda region, _, spec: rectangle_sum(region, spec),
    "LayerNorm": layer_norm_forward,
    "gradient of LayerNorm": layer_norm_backward,
    "residual sum": residual_sum,
    "conversion to sparse": lambda region, n, spec: converted_stream(
        region, n, spec, forms_indices=True
    ),
    "conversion to dense": lambda region, n, spec: converted_stream(
        region, n, spec, forms_indices=False
    ),
    "GELU": gelu_forward,
    "gradient of GELU": gelu_backward,
    "maximum of the logits": logits_maximum,
    "sum of exponentials": exponentials_sum,
    "gradient of the loss": loss_gradient,
    "softmax": lambda region, n, spec: attention_softmax(region, n, spec, exchanged=True),
    "softmax again": lambda region, n, spec: attention_softmax(region, n, spec, exchanged=False),
    "attention": lambda region, n, spec: attention_core_forward(region, 3, n, 8, spec),
    "gradient of attention": lambda region, n, spec: attention_core_backward(region, 3, n, 8, spec),
    "outputs": lambda region, n, spec: fully_connected_forward(region, n, 6, spec),
    "delta": lambda region, n, spec: fully_connected_delta(region, n, 6, spec),
    "gradient of weights": lambda region, n, spec: fully_connected_gradient(region, n, 6, spec),
}
"""Every kernel of the compile reports, of a size."""

REGIONS = (Region(0, 0, 1, 1), Region(1, 0, 1, 6), Region(0, 2, 5, 1), Region(1, 1, 4, 5))


@pytest.mark.parametrize("spec", [WSE2, WSE3_SILICON], ids=lambda spec: spec.name)
@pytest.mark.parametrize("name", KERNELS)
def test_both_engines_agree_on_every_kernel(name: str, spec: WaferSpec) -> None:
    for region in REGIONS:
        activities = KERNELS[name](region, 9, spec)
        assert disagreement(activities * 2, spec) == []


@pytest.mark.deep
@pytest.mark.parametrize("region", [Region(0, 0, 32, 32), Region(0, 0, 1, 700)], ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_both_engines_agree_on_every_kernel_of_a_thousand_pes(name: str, region: Region) -> None:
    for spec in (WSE2, replace(WSE3_SILICON, queue_depth_wavelets=0)):
        assert disagreement(KERNELS[name](region, 37, spec), spec) == []


@pytest.mark.parametrize(
    ("coefficient", "more"),
    [
        ("star_start", {"all-reduce of rows": 1, "maximum": 1, "LayerNorm": 1}),
        ("rectangle_sum_start", {"sum": 1, "sum of exponentials": 1}),
        ("stream", {"LayerNorm": 1, "maximum of the logits": 1, "sum of exponentials": 1}),
        ("layer_norm_forward", {"LayerNorm": 1}),
        ("layer_norm_backward", {"gradient of LayerNorm": 1}),
        ("layer_norm_backward_element", {"gradient of LayerNorm": 8}),
        ("residual_add", {"residual sum": 1}),
        ("to_sparse", {"conversion to sparse": 1}),
        ("softmax_row", {"softmax": 1, "softmax again": 1, "attention": 3}),
        ("softmax_key", {"softmax": 8, "softmax again": 8, "gradient of attention": 24}),
        ("softmax_row_sum", {"softmax": 2, "attention": 6, "gradient of attention": 3}),
        ("gelu_forward", {"GELU": 8}),
        ("gelu_backward", {"gradient of GELU": 8}),
        ("loss_gradient", {"gradient of the loss": 1}),
        ("loss_gradient_element", {"gradient of the loss": 8}),
    ],
)
def test_a_coefficient_counts_where_its_description_says(
    coefficient: str, more: dict[str, int]
) -> None:
    given = getattr(WSE2.kernels, coefficient)
    changed = with_coefficient(WSE2, coefficient, given + 1000)
    region, elements = Region(0, 0, 3, 4), 8
    for name, times in more.items():
        before, after = (elapsed(KERNELS[name](region, elements, spec)) for spec in (WSE2, changed))
        assert after - before == 1000 * times, name


@pytest.mark.parametrize(
    ("op_class", "dtype", "name", "times"),
    [
        ("reduce", "float16", "LayerNorm", 2),
        ("fma", "float16", "LayerNorm", 2),
        ("reduce", "float16", "maximum of the logits", 1),
        ("move", "float16", "sum of exponentials", 1),
        ("mul", "float16", "gradient of attention", 3),
        ("add", "float16", "gradient of attention", 3),
        ("product", "float16", "outputs", 6),
        ("product", "mixed", "gradient of weights", 6),
    ],
)
def test_rates_follow_from_the_lanes(op_class: str, dtype: str, name: str, times: int) -> None:
    """A class of op at a tenth of an element a cycle costs its 10 cycles wherever it is used."""
    lanes = tuple(
        LaneRate(op_class, dtype, Fraction(1, 10))
        if (rate.op_class, rate.dtype) == (op_class, dtype)
        else rate
        for rate in WSE2.lanes
    )
    slow = replace(WSE2, lanes=lanes)
    region, elements = Region(0, 0, 1, 3), 8
    before, after = (elapsed(KERNELS[name](region, elements, spec)) for spec in (WSE2, slow))
    per_cycle = WSE2.lane_rate(op_class, dtype).elements_per_cycle
    if (
        op_class == "product"
    ):  # each of the elements sets off a multiply-add, a whole number of cycles
        assert after - before == elements * (10 * times - ceil(times / per_cycle))
    else:
        assert after - before == times * elements * (10 - 1 / per_cycle)


def test_wavelets_of_a_slower_link_take_longer() -> None:
    slow = replace(WSE2, cycles_per_wavelet=Fraction(3, 2))
    one = Region(0, 0, 1, 1)
    grown = {
        name: elapsed(KERNELS[name](one, 8, slow)) - elapsed(KERNELS[name](one, 8, WSE2))
        for name in ("residual sum", "conversion to dense", "LayerNorm", "maximum of the logits")
    }
    assert grown == {
        "residual sum": 8,  # two streams of 8 wavelets, half a cycle more each
        "conversion to dense": 4,
        "LayerNorm": 4,  # 4 wavelets in and 4 out
        "maximum of the logits": 4,
    }


def test_a_wavelet_sets_off_each_multiply_add() -> None:
    slow = replace(WSE2, wavelet_launch_cycles=11)
    one = Region(0, 0, 1, 1)
    for name, passes in (("outputs", 8), ("delta", 6), ("gradient of weights", 8)):
        times = [elapsed(KERNELS[name](one, 8, spec)) for spec in (WSE2, slow)]
        assert times[1] - times[0] == 10 * passes, name


@pytest.mark.parametrize("spec", [WSE2, WSE3], ids=lambda spec: spec.name)
def test_a_line_of_one_pe_exchanges_nothing(spec: WaferSpec) -> None:
    one = Region(2, 3, 1, 1)
    assert all_reduce_in_lines(one, spec) == ()
    assert rectangle_maximum(one, spec) == ()
    assert rectangle_sum(one, spec) == ()


def test_columns_take_what_rows_take() -> None:
    for length in (2, 7, 30):
        row = all_reduce_in_lines(Region(0, 0, 1, length), WSE2)
        column = all_reduce_in_lines(Region(0, 0, length, 1), WSE2, axis="column")
        assert elapsed(row) == elapsed(column)


def test_a_rectangle_takes_what_it_takes_turned_round() -> None:
    for rows, cols in ((9, 4), (4, 9), (2, 2), (7, 3)):
        turned = Region(0, 0, cols, rows)
        assert elapsed(rectangle_maximum(Region(0, 0, rows, cols), WSE2)) == elapsed(
            rectangle_maximum(turned, WSE2)
        )
        assert elapsed(rectangle_sum(Region(0, 0, rows, cols), WSE2)) == elapsed(
            rectangle_sum(turned, WSE2)
        )


def test_a_longer_vector_takes_its_wavelets() -> None:
    one, four = (
        elapsed(all_reduce_in_lines(Region(0, 0, 1, 10), WSE2, wavelets=wavelets))
        for wavelets in (1, 4)
    )
    assert four - one == 3 * 9 + 3  # nine vectors into the centre, one back


def test_float32_is_streamed_one_to_a_wavelet() -> None:
    region = Region(0, 0, 1, 4)
    half, single = (
        elapsed(layer_norm_forward(region, 40, WSE2, dtype=dtype))
        for dtype in ("float16", "float32")
    )
    # a whole wavelet in and out instead of half a one, multiply-adds at 1 a cycle instead of 4
    assert single - half == 40 + 2 * 40 * Fraction(3, 4)
