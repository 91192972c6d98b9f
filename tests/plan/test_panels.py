"""Products of a step: how each multiply-add starts, and in which format partial sums travel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wse_emulator.ops.contractions import Product
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.panels import (
    buffer_bytes,
    format_between_pes,
    last_cost,
    multiply_adds,
)
from wse_emulator.wafer import WSE2, WaferSpec

HALF = ("bfloat16", "bfloat16")
SINGLE = ("float32", "float32")
ACROSS = Product(lines=8, summed="across")
"""Its sums add up along rows of PEs."""

INSIDE = Product(lines=8, summed="rounds")
"""Each PE sums by itself."""

BLOCK = Piece(24, 4, 6)
"""What a PE holds: 4 x 6 elements."""


def programmed(products: str) -> WaferSpec:
    return replace(WSE2, products=products)


@pytest.mark.parametrize(
    ("products", "field"),
    [
        ("vendor", "wavelet_launch_cycles"),
        ("map", "step_launch_cycles"),
        ("csl", "launch_cycles"),
    ],
)
def test_each_multiply_add_starts_as_the_machine_says(products: str, field: str) -> None:
    """8 lines of 6 meet a block of 4 x 6: 24 passes over 8 elements are quicker than 48 over 4, and
    a cycle more to start is a cycle more for each of them."""
    spec = programmed(products)
    adds = multiply_adds(ACROSS, HALF, (4, 6), 8, spec)
    assert (adds.passes, adds.elements, adds.conflicts) == (24, 8, 0)
    assert adds.cost.cycles == 24 * (getattr(spec, field) + 8 // 4)
    for other in ("wavelet_launch_cycles", "step_launch_cycles", "launch_cycles"):
        slower = replace(spec, **{other: getattr(spec, other) + 1})
        more = multiply_adds(ACROSS, HALF, (4, 6), 8, slower).cost.cycles - adds.cost.cycles
        assert more == (24 if other == field else 0)


def test_sums_travel_between_the_pes_of_the_vendors_kernels_in_float32() -> None:
    assert format_between_pes("bfloat16", WSE2) == "float32"
    assert format_between_pes("float16", WSE2) == "float32"
    assert format_between_pes("float32", WSE2) == "float32"
    for products in ("map", "csl"):
        assert format_between_pes("float16", programmed(products)) == "float16"
        assert format_between_pes("float32", programmed(products)) == "float32"


def test_a_pe_converts_its_part_of_the_result_once_if_sums_travelled_wider() -> None:
    convert = WSE2.launch_cycles + 4 * 6  # one element a cycle
    assert last_cost(ACROSS, HALF, BLOCK, WSE2).cycles == convert
    assert last_cost(INSIDE, HALF, BLOCK, WSE2).cycles == 0
    assert last_cost(ACROSS, SINGLE, BLOCK, WSE2).cycles == 0
    assert last_cost(ACROSS, HALF, BLOCK, programmed("csl")).cycles == 0


def test_a_sum_that_comes_with_the_product_loads_its_descriptors() -> None:
    adds = replace(INSIDE, adds=True)
    assert last_cost(adds, HALF, BLOCK, WSE2).cycles == WSE2.launch_cycles + 4 * 6 // 4
    both = replace(ACROSS, adds=True)
    convert = last_cost(ACROSS, HALF, BLOCK, WSE2).cycles
    assert last_cost(both, HALF, BLOCK, WSE2).cycles == convert + WSE2.launch_cycles + 6


def test_buffers_of_partial_sums_are_as_wide_as_what_travels() -> None:
    """Panels of 3 lines: 6 elements a line down the column, 4 sums a line along the row."""
    panel = -(-6 * 3 * 2 // 4) * 4
    assert buffer_bytes(ACROSS, HALF, BLOCK, 3, WSE2) == panel + 4 * 3 * 4
    assert buffer_bytes(ACROSS, HALF, BLOCK, 3, programmed("map")) == panel + 4 * 3 * 2
