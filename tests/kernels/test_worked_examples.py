"""Kernels of the vendor's compile reports, worked out by hand, beside what the reports print.

A formula with a fraction is rounded up, since a PE is busy for whole cycles.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.kernels.timed import elapsed
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
from wse_emulator.wafer import WSE2, Region

PE = Region(0, 0, 1, 1)


def row(pes: int) -> Region:
    return Region(0, 0, 1, pes)


@pytest.mark.parametrize("pes", [2, 3, 11, 17, 39, 55, 128])
def test_a_row_takes_its_numbers_in_one_by_one_and_sends_the_result_half_way(pes: int) -> None:
    """The start and two ramps are 105 cycles; the reports print 120, 129, 162, 186 and 295 for the
    last five."""
    assert elapsed(all_reduce_in_lines(row(pes), WSE2)) == 105 + (pes - 1) + pes // 2


@pytest.mark.parametrize(
    ("activities", "cycles"),
    [
        # 6 more than 105 + 192 + 6 + 96 + 3: the second star has ramps, touch and hop of its own
        (rectangle_maximum(Region(0, 0, 193, 7), WSE2), 402 + 6),  # 399
        (rectangle_maximum(Region(0, 0, 147, 5), WSE2), 330 + 6),  # 328
        (rectangle_sum(Region(0, 0, 147, 5), WSE2), 250),  # gave its start
        (logits_maximum(Region(0, 0, 117, 3), 144, WSE2), 282 + 6 + 51 + 468),  # 800
        (exponentials_sum(Region(0, 0, 147, 5), 50, WSE2), 464),  # 250 + 51 + 162.5: 460
    ],
)
def test_rectangles(activities: Sequence[Activity], cycles: int) -> None:
    assert elapsed(activities) == cycles


@pytest.mark.parametrize(
    ("activities", "cycles"),
    [
        (layer_norm_forward(row(26), 30, WSE2), 143 + 137 + 165),  # 444
        (layer_norm_forward(row(55), 14, WSE2), 186 + 137 + 77),  # 400
        (layer_norm_forward(row(13), 60, WSE2), 123 + 137 + 330),  # 590
        (layer_norm_backward(row(55), 14, WSE2), 186 + 100 + 147),  # 433
        (layer_norm_backward(row(17), 46, WSE2), 129 + 100 + 483),  # 712
        (residual_sum(PE, 128, WSE2), 20 + 256),  # 276
        (converted_stream(PE, 36, WSE2, forms_indices=True), 34 + 36),  # 70
        (converted_stream(PE, 22, WSE2, forms_indices=False), 11 + 22),  # 33
        (gelu_forward(PE, 9, WSE2), 883),  # 9 elements cost as 10
        (gelu_forward(PE, 10, WSE2), 883),
        (gelu_backward(PE, 9, WSE2), 945),  # 51 + 893.7
        (loss_gradient(PE, 62, WSE2), 177 + 620),  # 797
        (attention_softmax(PE, 5, WSE2, exchanged=False), 268),  # 80 + 187.5: 269
        (attention_softmax(PE, 7, WSE2, exchanged=False), 343),  # 80 + 262.5: 343
        (attention_softmax(PE, 6, WSE2, exchanged=True), 80 + 225 + 244),  # 546
    ],
)
def test_kernels_of_one_token(activities: Sequence[Activity], cycles: int) -> None:
    assert elapsed(activities) == cycles


def token(region: Region, inputs: int, outputs: int) -> tuple[Activity, ...]:
    """One token through a fully connected layer that learns."""
    return (
        *fully_connected_forward(region, inputs, outputs, WSE2),
        *fully_connected_delta(region, inputs, outputs, WSE2),
        *fully_connected_gradient(region, inputs, outputs, WSE2),
    )


@pytest.mark.parametrize(
    ("inputs", "outputs", "cycles"),
    [
        (24, 32, 248 + 248 + 408),  # 904
        (40, 10, 170 + 150 + 240),  # 538
        (8, 52, 164 + 164 + 216),  # 508
    ],
)
@pytest.mark.parametrize("region", [Region(0, 0, 2, 2), Region(1, 2, 3, 5)], ids=str)
def test_a_further_token_of_a_fully_connected_layer(
    inputs: int, outputs: int, cycles: int, region: Region
) -> None:
    """The rectangle's size does not matter: many tokens are under way at once."""
    one = token(region, inputs, outputs)
    assert elapsed(one * 2) - elapsed(one) == cycles
    assert elapsed(one * 5) - elapsed(one * 4) == cycles


def test_the_core_of_attention() -> None:
    """Forward takes 813,086 cycles in the report, backward 905,990."""
    forward = attention_core_forward(PE, 512, 16, 64, WSE2)
    assert elapsed(forward) == 348_160 + 124_928 + 327_680 + 65_536
    # by the lanes the gradient of softmax takes 2.5 cycles a key: product, reduction, difference
    backward = attention_core_backward(PE, 256, 16, 64, WSE2)
    assert elapsed(backward) == 174_080 + 245_760 + 294_912 + 49_152 + 256 * (40 + 122 + 51)


def test_the_rows_of_a_core_follow_one_another() -> None:
    for core in (attention_core_forward, attention_core_backward):
        assert elapsed(core(PE, 30, 7, 12, WSE2)) == 30 * elapsed(core(PE, 1, 7, 12, WSE2))
