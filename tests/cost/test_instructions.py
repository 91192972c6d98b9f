"""Vector instructions cost what the documents and the published measurements say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from wse_emulator.cost.instructions import vector_op_cycles
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start
from wse_emulator.wafer import WSE2, WSE3, WSE3_SILICON, WaferSpec


@pytest.mark.parametrize(
    ("spec", "op_class", "dtype", "elements", "published"),
    [
        (WSE2, "fma", "float32", 5124, 5130),
        (WSE3_SILICON, "move", "float16", 256, 68),
        (WSE3_SILICON, "move", "float16", 1024, 227),
        (WSE3_SILICON, "move", "float16", 4096, 865),
        (WSE3_SILICON, "fma", "float16", 256, 104),
        (WSE3_SILICON, "fma", "float16", 1024, 367),
        (WSE3_SILICON, "fma", "float16", 4096, 1419),
    ],
)
def test_published_vector_ops(
    spec: WaferSpec, op_class: str, dtype: str, elements: int, published: int
) -> None:
    modelled = vector_op_cycles(op_class, dtype, elements, spec)
    assert abs(modelled - published) <= max(1, 0.005 * published)


def test_a_bank_conflict_doubles_the_time_of_two_source_ops_only() -> None:
    free = vector_op_cycles("fma", "float32", 5124, WSE2)
    conflict = vector_op_cycles("fma", "float32", 5124, WSE2, bank_conflict=True)
    assert (free, conflict) == (16 + 5124, 16 + 2 * 5124)
    assert vector_op_cycles("move", "float32", 512, WSE2, bank_conflict=True) == (
        vector_op_cycles("move", "float32", 512, WSE2)
    )


def test_no_elements_cost_nothing() -> None:
    assert vector_op_cycles("add", "float32", 0, WSE2) == 0


def test_ports_bound_what_lanes_promise() -> None:
    narrow = replace(WSE3, sram_write_bytes_per_cycle=8)
    assert vector_op_cycles("move", "float16", 4096, narrow) == 16 + 4096 // 4
    assert vector_op_cycles("move", "float16", 4096, WSE3) == 16 + 4096 // 8


@pytest.mark.parametrize("elements", [1, 2, 61, 122, 241, 482, 4820, 99_999])
def test_cycles_are_exact_rationals(elements: int) -> None:
    exact = Fraction(elements) / Fraction(482, 100)
    ceiling = -(-exact.numerator // exact.denominator)
    assert vector_op_cycles("move", "float16", elements, WSE3_SILICON) == 15 + ceiling


@pytest.mark.parametrize(
    ("op_class", "dtype", "published"),
    [("move", "float16", 7.85), ("integer", "int16", 3.94), ("reduce", "float16", 0.5)],
)
def test_long_vectors_run_at_the_simulators_rates_on_wse3(
    op_class: str, dtype: str, published: float
) -> None:
    start = vector_op_cycles(op_class, dtype, 8, WSE3)
    rate = 8192 / (vector_op_cycles(op_class, dtype, 8200, WSE3) - start)
    assert rate == pytest.approx(published, rel=0.02)


def test_products_on_wse3_multiply_add_as_fast_as_the_read_port_lets_them() -> None:
    port = Fraction(WSE3.sram_read_bytes_per_cycle, 2 * 2)  # two sources of 2 bytes
    assert WSE3.lane_rate("product", "float16").elements_per_cycle == port
    assert WSE3_SILICON.lane_rate("product", "float16").elements_per_cycle == port
    halves = ("float16", "float16")
    for spec in (WSE3, WSE3_SILICON):
        assert pass_cycles(64, halves, Start.STEPS, spec) == spec.step_launch_cycles + 64 / port
