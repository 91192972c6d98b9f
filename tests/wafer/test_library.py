"""The costs of the math library: each follows from its record, and the document says how."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

import wse_emulator
from wse_emulator.wafer import WSE2, WSE3
from wse_emulator.wafer.library import EVIDENCE, FUNCTIONS, LIBRARY_DTYPES, LibraryCall

ROOT = Path(__file__).parents[2]
RECORDS = {
    record["id"]: record["value"]
    for record in json.loads(
        (
            Path(wse_emulator.__file__).parent / "questions/validate/measurements_kernels.json"
        ).read_text("utf-8")
    )["records"]
}


def call(function: str, dtype: str = "float32") -> LibraryCall:
    return WSE3.library_call(function, dtype)


def iteration(*, loads: int = 0, stores: int = 0, flops: int = 0) -> int:
    """One pass of a scalar loop, calls apart."""
    spec = WSE3
    return (
        spec.loop_jump_cycles
        + loads * spec.scalar_load_cycles
        + stores * spec.scalar_store_cycles
        + flops * spec.scalar_op_cycles
    )


def each(record: str, elements: int) -> Fraction:
    return Fraction(RECORDS[record]) / elements


MEASURED = {
    # the maximum of 256 numbers, then the sum of their exponentials
    ("exp", "float32"): each("fabrica_cross_entropy_256", 256)
    - Fraction(call("log").cycles, 256)
    - iteration(loads=1, flops=1)
    - iteration(loads=1, flops=2),
    ("division", "float32"): each("fabrica_sigmoid_512", 512)
    - call("exp").cycles
    - Fraction(RECORDS["fabrica_model_scalar_loop_dot_product"]),
    # the sum of squares, then every number times one reciprocal
    ("sqrt", "float32"): Fraction(RECORDS["fabrica_l2_norm_512"])
    - 512 * (iteration(loads=1, flops=2) + iteration(loads=1, stores=1, flops=1))
    - call("division").cycles
    - WSE3.scalar_op_cycles,
    ("gelu", "float32"): each("fabrica_gelu_512", 512) - iteration(loads=1, stores=1),
    ("exp", "float16"): (RECORDS["sdk_exp_f16_map"] - WSE3.launch_cycles) / Fraction(512),
    ("division", "float16"): each("mimd_silu_f16_64x256", 256)
    - call("exp", "float16").cycles
    - 3 * WSE3.scalar_op_cycles,
}
"""Call -> its cycles as its record gives them."""


@pytest.mark.parametrize(("function", "dtype"), MEASURED)
def test_a_measured_call_is_what_its_record_leaves(function: str, dtype: str) -> None:
    found = call(function, dtype)
    assert found.evidence == "evidence"
    assert abs(MEASURED[function, dtype] - found.cycles) < 1
    named = re.findall(r"(?:fabrica|sdk|mimd)_\w+", found.source)
    assert named
    assert set(named) <= set(RECORDS)


FLOPS = {"sqrt": 17, "exp": 14, "division": 16, "rsqrt": 16, "log": 15, "tanh": 15, "cos": 18}
"""Floating-point operations on the common path of the library's float32 functions."""

TIMED = ("sqrt", "exp", "division")


@pytest.mark.parametrize("function", ["rsqrt", "log", "tanh", "cos"])
def test_a_counted_call_has_the_cycles_that_an_operation_was_measured_to_take(
    function: str,
) -> None:
    found = call(function)
    rates = [Fraction(call(known).cycles, FLOPS[known]) for known in TIMED]
    together = Fraction(
        sum(call(known).cycles for known in TIMED), sum(FLOPS[known] for known in TIMED)
    )
    assert found.evidence == "counted"
    assert found.cycles == round(FLOPS[function] * together)
    assert found.low_cycles == int(FLOPS[function] * min(rates))
    assert found.high_cycles == int(FLOPS[function] * max(rates))


def test_float16_is_counted_from_compiled_code_or_from_what_it_takes_of_float32() -> None:
    instruction = Fraction(call("division", "float16").cycles, 42)
    assert call("rsqrt", "float16").cycles == round(37 * instruction)
    assert call("sqrt", "float16").cycles == call("division", "float16").cycles
    half, single = (
        sum(call(known, dtype).cycles for known in ("exp", "division")) for dtype in LIBRARY_DTYPES
    )
    for function in ("log", "tanh", "cos"):
        for end in ("low_cycles", "cycles", "high_cycles"):
            wide, narrow = (getattr(call(function, dtype), end) for dtype in ("float32", "float16"))
            assert narrow == pytest.approx(Fraction(wide * half, single), abs=0.51)
        assert call(function, "float16").evidence == "counted"


@pytest.mark.parametrize(("dtype", "operations"), [("float32", 16), ("float16", 12)])
@pytest.mark.parametrize("end", ["low_cycles", "cycles", "high_cycles"])
def test_the_error_function_is_composed(dtype: str, operations: int, end: str) -> None:
    parts = sum(getattr(call(known, dtype), end) for known in ("exp", "division"))
    assert getattr(call("erf", dtype), end) == parts + operations * WSE3.scalar_op_cycles
    assert call("erf", dtype).evidence == "ours"


def test_gelu_in_float16_takes_beside_its_calls_what_float32_does() -> None:
    beside = call("gelu").cycles - call("exp").cycles - call("division").cycles
    made = call("exp", "float16").cycles + call("division", "float16").cycles + beside
    assert call("gelu", "float16").cycles == made


def test_the_document_has_the_table() -> None:
    text = (ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    documented = {row[0]: row for row in rows if len(row) == 4 and "(" in row[1]}
    names = {**FUNCTIONS, "cos": "cosine, sine"}
    for function, name in names.items():
        for dtype, cell in zip(("float32", "float16"), documented[name][1:3], strict=True):
            known = call(function, dtype)
            assert cell == f"{known.cycles} ({known.low_cycles} to {known.high_cycles})"
            assert known.evidence in documented[name][3]
    for name, meaning in EVIDENCE.items():
        assert f"| {name} | {meaning} |" in text


def test_every_preset_has_every_function_in_both_formats() -> None:
    for spec in (WSE2, WSE3, wse_emulator.WSE1, wse_emulator.WSE3_SILICON):
        for function in FUNCTIONS:
            for dtype in LIBRARY_DTYPES:
                assert spec.library_call(function, dtype).source
