"""Records of rates, scalar loops and small programs, with sizes that no public record has."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.questions.validate.records import own_record
from wse_emulator.questions.validate import Measurement, validate
from wse_emulator.questions.validate.measurements import RecordParameter

Parameters = Mapping[str, RecordParameter]


def modelled(
    operation: str, parameters: Parameters, metric: str = "cycles", machine: str = "wse3"
) -> float:
    """What the machine makes of a record; its published value does not matter."""
    report = validate([record(operation, parameters, metric, machine)])
    assert not report.not_modelled, report.not_modelled
    return report.comparisons[0].modelled


def reason(operation: str, parameters: Parameters, metric: str = "cycles") -> str:
    """Why a record is not modelled."""
    report = validate([record(operation, parameters, metric, "wse3")])
    assert not report.comparisons
    return report.not_modelled[0][1]


def record(operation: str, parameters: Parameters, metric: str, machine: str) -> Measurement:
    return own_record(operation, parameters, metric=metric, machine=machine)


@pytest.mark.parametrize(
    ("op", "dtype", "cycles_per_element"),
    [
        ("copy", "float16", 1 / 8),
        ("copy", "float32", 1 / 4),
        ("fill", "bfloat16", 1 / 8),
        ("add", "float16", 1 / 4),
        ("mul", "float16", 1 / 4),
        ("axpy", "float16", 1 / 4),
        ("add", "uint16", 1 / 4),
        ("mul", "float32", 1),
        ("reduce_to_scalar", "float32", 2),
        ("dot", "float16", 2.25),
    ],
)
def test_rates_of_long_vectors(op: str, dtype: str, cycles_per_element: float) -> None:
    given = {"op": op, "dtype": dtype}
    assert modelled("vector_rate", given, "cycles_per_element") == cycles_per_element
    rate = modelled("vector_rate", given, "elements_per_cycle")
    assert rate == pytest.approx(1 / cycles_per_element)


def test_rates_of_loops_and_links() -> None:
    add_loop: Parameters = {"kernel": "add_loop", "instructions": 19}
    assert modelled("scalar_loop_rate", add_loop, "cycles_per_iteration") == 26
    axpy = {"kernel": "axpy", "dtype": "float32"}
    assert modelled("scalar_loop_rate", axpy, "cycles_per_element") == 23
    hops = {"hops_from": 4, "hops_to": 32}
    assert modelled("hop_rate", hops, "cycles_per_hop") == 2
    assert modelled("hop_rate", hops, "cycles_per_hop", "wse2") == 1


@pytest.mark.parametrize(
    ("arrays", "shape", "dtype", "largest"),
    [
        (1, "vector", "float32", 11_244),
        (2, "vector", "float16", 11_244),
        (3, "square_matrix", "float32", 61),
    ],
)
def test_what_fits_beside_a_minimal_program(
    arrays: int, shape: str, dtype: str, largest: int
) -> None:
    given: Parameters = {"arrays": arrays, "shape": shape, "dtype": dtype}
    assert modelled("sram_fits", given, "largest_n") == largest


@pytest.mark.parametrize(
    ("operation", "parameters", "by_hand"),
    [
        (
            "scalar_kernel",
            {"kernel": "softmax", "elements": 100, "dtype": "float16"},
            100 * (18 + 69 + 18) + 55,
        ),
        (
            "function_sqrt",
            {"elements_per_pe": 100, "dtype": "float32", "code": "map"},
            16 + 100 * 85,
        ),
        (
            "gemv_tile",
            {"inputs_per_pe": 10, "outputs_per_pe": 64, "dtype": "float16"},
            16 + 8 + 16 + 10 * (2 + 16),
        ),
        (
            "gemv_tile",
            {
                "inputs_per_pe": 10,
                "outputs_per_pe": 64,
                "dtype": "bfloat16",
                "accumulate": "float32",
            },
            10 * (16 + 64 // 4 + 64),
        ),
        ("rmsnorm", {"elements_per_pe": 10, "dtype": "float32"}, 10 * 40 + 295),
        (
            "attention",
            {"sequence_length": 64, "head_dim": 32, "dtype": "float32", "pes": 16},
            68_608,
        ),
    ],
)
def test_sizes_and_formats_of_ones_own(
    operation: str, parameters: Parameters, by_hand: int
) -> None:
    assert modelled(operation, parameters) == by_hand


@pytest.mark.parametrize(
    ("operation", "parameters", "says"),
    [
        ("scalar_kernel", {"kernel": "fft", "elements": 8, "dtype": "float32"}, "fft"),
        ("scalar_kernel", {"kernel": "dot", "elements": 8, "dtype": "int16"}, "int16"),
        ("scalar_kernel", {"kernel": "dot", "elements": 8, "dtype": "float32", "pes": 4}, "one PE"),
        ("function_gamma", {"elements": 8, "dtype": "float32"}, "function_gamma"),
        ("function_exp", {"elements": 8, "dtype": "float32", "code": "table"}, "table"),
        ("lu", {"n": 8}, "not known"),
        ("tile_rate", {"kernel": "gemv"}, "not known"),
        ("nbody_step", {"rows": 1, "cols": 1, "dtype": "float32"}, "no interaction"),
        (
            "gemv_tile",
            {"inputs_per_pe": 8, "outputs_per_pe": 8, "dtype": "float32", "accumulate": "float16"},
            "sums in float16",
        ),
    ],
)
def test_what_is_not_modelled_says_why(operation: str, parameters: Parameters, says: str) -> None:
    assert says in reason(operation, parameters)


def test_strides_and_integer_products_have_no_rate() -> None:
    strided: Parameters = {"op": "copy", "dtype": "float16", "stride": 2}
    assert "strides" in reason("vector_rate", strided, "elements_per_cycle")
    product = {"op": "mul", "dtype": "int16"}
    assert "int16" in reason("vector_rate", product, "elements_per_cycle")
    nowhere = {"hops_from": 9, "hops_to": 9}
    assert "no slope" in reason("hop_rate", nowhere, "cycles_per_hop")
