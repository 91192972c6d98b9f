"""Scalar loops and calls of the library: what is counted, and that each price is paid for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.kernels.timed import elapsed
from wse_emulator.kernels.functions import (
    ELEMENT_FUNCTIONS,
    FunctionCode,
    element_function,
    gated_silu,
)
from wse_emulator.kernels.library_calls import call_cycles
from wse_emulator.kernels.scalar_loops import (
    LoopBody,
    iteration_cycles,
    plain_iteration_cycles,
    rounded_rms_norm,
    scalar_kernel,
)
from wse_emulator.wafer import WSE3

PRICES = {
    "loop_jump_cycles": 1,
    "scalar_load_cycles": 3,
    "scalar_store_cycles": 2,
    "scalar_op_cycles": 5 + 4,
    "branch_cycles": 4,
}
"""Field -> how often an iteration of the body below pays it."""


@pytest.mark.parametrize(("field", "times"), PRICES.items())
def test_an_iteration_pays_each_price_as_often_as_it_does_the_thing(field: str, times: int) -> None:
    body = LoopBody(loads=3, stores=2, flops=5, integer_ops=7, comparisons=4, calls=("exp",))
    dearer = replace(WSE3, **{field: getattr(WSE3, field) + 100})
    cycles = [iteration_cycles(body, "float32", spec) for spec in (WSE3, dearer)]
    assert cycles[1] - cycles[0] == 100 * times


def test_an_integer_operation_takes_a_cycle_and_a_call_what_the_library_says() -> None:
    nothing = iteration_cycles(LoopBody(), "float16", WSE3)
    assert nothing == WSE3.loop_jump_cycles
    assert iteration_cycles(LoopBody(integer_ops=7), "float16", WSE3) == nothing + 7
    twice = iteration_cycles(LoopBody(calls=("exp", "division")), "float16", WSE3)
    calls = [call_cycles(function, "float16", WSE3) for function in ("exp", "division")]
    assert twice == nothing + sum(calls)


@pytest.mark.parametrize(
    ("kernel", "elements", "by_hand"),
    [
        ("axpy", 512, 512 * (10 + 2 * 3 + 3 + 2 * 2)),
        ("dot", 512, 512 * (10 + 2 * 3 + 2 * 2)),
        ("sum", 512, 512 * (10 + 3 + 2)),
        ("max", 512, 512 * (10 + 3 + 5)),
        ("relu", 512, 512 * (10 + 3 + 5 + 3)),
        ("prefix_sum", 512, 512 * (10 + 3 + 2 + 3)),
        ("sum_of_squared_differences", 512, 512 * (10 + 2 * 3 + 3 * 2)),
        ("mse", 512, 512 * (10 + 2 * 3 + 3 * 2) + 105),
        ("l2_norm", 512, 512 * (17 + 18) + 85 + 105),
        ("rmsnorm", 256, 256 * (17 + 23) + 85 + 2 * 105),
        ("softmax", 256, 256 * (18 + 102 + 18) + 105),
        ("cross_entropy", 256, 256 * (18 + 99) + 87),
    ],
)
def test_kernels_of_scalar_loops(kernel: str, elements: int, by_hand: int) -> None:
    assert elapsed(scalar_kernel(kernel, elements, "float32", WSE3), WSE3) == by_hand


def test_a_rounded_rms_norm() -> None:
    second_loop = 10 + 2 * 3 + 2 * 3 + 3 * 2 + 5
    by_hand = 5120 * (17 + second_loop) + 85 + 2 * 105
    assert elapsed(rounded_rms_norm(5120, "float32", WSE3), WSE3) == by_hand == 256_295


@pytest.mark.parametrize(("instructions", "cycles"), [(3, 10), (8, 15), (19, 26)])
def test_instructions_that_wait_for_nothing_take_a_cycle_each(
    instructions: int, cycles: int
) -> None:
    assert plain_iteration_cycles(instructions, WSE3) == cycles


@pytest.mark.parametrize(
    ("function", "dtype", "code", "elements", "by_hand"),
    [
        ("exp", "float16", "map", 512, 16 + 512 * 49),
        ("exp", "float16", "scalar_loop", 512, 512 * (49 + 10 + 3 + 3)),
        ("sigmoid", "float32", "scalar_loop", 512, 512 * (10 + 6 + 2 * 2 + 82 + 105)),
        ("silu", "bfloat16", "map", 64, 16 + 64 * (2 * 2 + 49 + 55)),
        ("gelu", "float32", "scalar_loop", 512, 512 * (10 + 6 + 11 * 2 + 82 + 105)),
        ("division", "float32", "scalar_loop", 512, 512 * (10 + 9 + 105)),
        ("sqrt", "float32", "scalar_loop", 512, 512 * (10 + 6 + 85)),
    ],
)
def test_functions_of_elements(
    function: str, dtype: str, code: FunctionCode, elements: int, by_hand: int
) -> None:
    program = element_function(function, elements, dtype, code, WSE3)
    assert elapsed(program, WSE3) == by_hand


@pytest.mark.parametrize("function", ELEMENT_FUNCTIONS)
def test_map_takes_the_loop_away_and_leaves_the_function(function: str) -> None:
    body = ELEMENT_FUNCTIONS[function]
    looped, mapped = (
        elapsed(element_function(function, 100, "float32", code, WSE3), WSE3)
        for code in ("scalar_loop", "map")
    )
    around = WSE3.loop_jump_cycles + body.loads * WSE3.scalar_load_cycles
    around += body.stores * WSE3.scalar_store_cycles
    assert looped - mapped == 100 * around - WSE3.launch_cycles


def test_a_gated_silu_is_silu_and_a_product_of_two_vectors() -> None:
    by_hand = 16 + 256 * (49 + 55 + 2 * 2) + 16 + 256 // 4
    assert elapsed(gated_silu(256, "float16", "map", WSE3), WSE3) == by_hand == 27_744
