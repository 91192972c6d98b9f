"""What an instruction costs to start: four cases, each from fields of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wse_emulator.cost.instructions import Instruction, instruction_cycles
from wse_emulator.cost.products import local_cycles, pass_cycles, passes_cost
from wse_emulator.cost.starts import Start, start_cycles, start_of_products
from wse_emulator.wafer import WSE2, WSE3_SILICON, parse_wafer

HALF = ("float16", "float16")
"""Sums and factors in 16 bits."""

WIDE = ("float32", "float16")
"""Factors in 16 bits, sums in float32."""

CASES = {
    Start.LOADS_DESCRIPTORS: ("launch_cycles",),
    Start.STEPS: ("step_launch_cycles",),
    Start.BY_WAVELET: ("wavelet_launch_cycles",),
    Start.IN_LOOP: ("loop_cycles", "launch_cycles"),
}
"""Each case, and the fields of the machine that it costs."""


def test_each_case_costs_what_was_measured_for_it() -> None:
    assert [start_cycles(start, WSE2) for start in CASES] == [16, 2, 1, 31]


@pytest.mark.parametrize("start", CASES)
@pytest.mark.parametrize(
    "field", ["launch_cycles", "step_launch_cycles", "wavelet_launch_cycles", "loop_cycles"]
)
def test_each_field_moves_its_own_cases_and_no_other(start: Start, field: str) -> None:
    changed = replace(WSE2, **{field: getattr(WSE2, field) + 7})
    moved = start_cycles(start, changed) - start_cycles(start, WSE2)
    assert moved == (7 if field in CASES[start] else 0)


@pytest.mark.parametrize("start", CASES)
def test_every_pass_of_an_instruction_starts_anew(start: Start) -> None:
    one = Instruction("add", "float16", 4, 2, 2, start=start)
    five = replace(one, passes=5)
    expected = start_cycles(start, WSE2) + 25
    assert instruction_cycles(one, 100, WSE2) == expected
    assert instruction_cycles(five, 100, WSE2) == 5 * expected
    assert instruction_cycles(five, 0, WSE2) == 0


def test_a_launch_measured_for_a_rate_is_that_of_loaded_descriptors() -> None:
    """WSE-3 silicon: 16 cycles for a float16 multiply-add, 17 for a float32 one."""
    assert WSE3_SILICON.lane_rate("fma", "float32").launch_cycles == 17
    per_start = {
        start: instruction_cycles(
            Instruction("fma", "float32", 8, 4, 2, start=start), 1, WSE3_SILICON
        )
        for start in CASES
    }
    assert per_start == {
        Start.LOADS_DESCRIPTORS: 17 + 2,
        Start.STEPS: 2 + 2,
        Start.BY_WAVELET: 1 + 2,
        Start.IN_LOOP: 15 + 17 + 2,
    }


@pytest.mark.parametrize(
    ("products", "start"),
    [
        ("vendor", Start.BY_WAVELET),
        ("map", Start.STEPS),
        ("csl", Start.LOADS_DESCRIPTORS),
    ],
)
def test_the_machine_says_how_products_are_programmed(products: str, start: Start) -> None:
    assert start_of_products(parse_wafer("wse2", (f"products={products}",))) is start


def test_products_use_the_vendors_kernels_unless_told_otherwise() -> None:
    assert start_of_products(WSE2) is Start.BY_WAVELET


def test_one_pass_of_a_vendors_kernel() -> None:
    vendor = Start.BY_WAVELET
    assert pass_cycles(64, HALF, vendor, WSE2) == 1 + 64 // 4
    assert pass_cycles(64, WIDE, vendor, WSE2) == 1 + 64 // 2
    assert pass_cycles(64, ("float32", "float32"), vendor, WSE2) == 1 + 64
    assert pass_cycles(0, HALF, vendor, WSE2) == 0


def test_a_kernel_takes_the_quicker_order_of_loops() -> None:
    vendor = Start.BY_WAVELET
    assert local_cycles(9, 128, 50, HALF, vendor, WSE2) == 9 * 50 * (1 + 32)
    assert 9 * 50 * (1 + 32) < 128 * 50 * (1 + 3)
    assert local_cycles(128, 9, 50, HALF, vendor, WSE2) == 9 * 50 * (1 + 32)
    assert local_cycles(50, 128, 9, WIDE, vendor, WSE2) == 50 * 9 * (1 + 64)


def test_a_fully_connected_layer_as_the_vendor_reports_it() -> None:
    """24 x 32 weights a PE: forward and delta, without the partial sums that pass, 216 and 224."""
    vendor = Start.BY_WAVELET
    assert passes_cost(32, 24, HALF, vendor, WSE2).cycles == 24 * 9
    assert passes_cost(24, 32, HALF, vendor, WSE2).cycles == 32 * 7
    assert passes_cost(32, 24, WIDE, vendor, WSE2).cycles == 24 * 17


def test_conflicts_of_banks_double_a_pass_but_not_its_start() -> None:
    conflict = passes_cost(64, 3, HALF, Start.STEPS, WSE2, bank_conflict=True)
    assert conflict.cycles == 3 * (2 + 32)
