"""Records of products on grids: their lines, what they need, what speaks for the mechanism."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.questions.validate.whole import whole_report
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import Measurement, read_measurements, validate
from wse_emulator.questions.validate.lookup import machine_of
from wse_emulator.questions.validate.measurements import RecordParameter
from wse_emulator.questions.validate.operations.grid_products import GRID_PRODUCTS
from wse_emulator.wafer import WSE2

NEEDED: dict[tuple[str, str], dict[str, RecordParameter]] = {
    ("gemm", "meshgemm"): {"rows": 6, "cols": 6, "n": 24, "k": 18, "m": 30},
    ("gemm_summa", "two_color_pipelined"): {"rows": 6, "cols": 6, "n": 24, "k": 18, "m": 30},
    ("gemm_summa", "sdk_collectives_2d"): {"rows": 6, "cols": 6, "n": 24, "k": 18, "m": 30},
    ("gemv", "meshgemv"): {"n": 24, "m": 30},
    ("gemv_pipeline", ""): {"rows": 6, "cols": 6, "n": 24, "m": 30},
    ("gemv_grouped", ""): {"rows": 6, "cols": 6, "n": 24, "groups": 2},
}


def record_of(
    kernel: tuple[str, str], machine: str = "wse2", **parameters: RecordParameter
) -> Measurement:
    operation, algorithm = kernel
    known = {"algorithm": algorithm} if algorithm else {}
    return Measurement(
        id="mine",
        machine=machine,
        kind="hardware",
        operation=operation,
        parameters={**known, **NEEDED[kernel], **parameters},
        metric="cycles",
        value=1.0,
        unit="cycles",
        source="mine",
        note="",
    )


def errors(operation: str, algorithm: str, **fields: int) -> list[float]:
    """Of the public CS-3 records, on a machine with some fields changed."""
    model = GRID_PRODUCTS[operation, algorithm].model
    return [
        float(model(one, replace(machine_of(one), **fields)).cycles) / one.value - 1
        for one in read_measurements()
        if (one.operation, one.parameters.get("algorithm", "")) == (operation, algorithm)
        and one.machine == "wse3"
    ]


def test_the_lines_of_products_are_kept() -> None:
    groups = {group.group.name: group for group in whole_report().groups()}
    for name in ("GEMM and SUMMA", "GEMV and pipelined GEMV"):
        assert groups[name].within, name


@pytest.mark.parametrize("kernel", NEEDED)
def test_what_an_operation_needs_is_asked_for_by_name(kernel: tuple[str, str]) -> None:
    record = record_of(kernel)
    (comparison,) = validate([record]).comparisons
    assert comparison.modelled > 0
    for name in NEEDED[kernel]:
        fewer = {key: value for key, value in record.parameters.items() if key != name}
        with pytest.raises(MalformedFileError, match=rf"mine .*parameter {name}\b"):
            validate([replace(record, parameters=fewer)])


@pytest.mark.parametrize("kernel", NEEDED)
def test_what_has_no_mechanism_is_listed_and_what_does_not_fit_is_refused(
    kernel: tuple[str, str],
) -> None:
    for changed, reason in (
        ({"rows": 6, "cols": 5}, "6 x 5 PEs; the program needs a square one"),
        ({"dtype": "float32"}, "dtype 'float32'"),
    ):
        ((_, why),) = validate([record_of(kernel, **changed)]).not_modelled
        assert reason in why
    with pytest.raises(MalformedFileError, match=r"record mine .*800 x 800 PEs"):
        validate([record_of(kernel, rows=800, cols=800)])


def test_a_grid_and_groups_that_are_not_named_are_assumed() -> None:
    record = record_of(("gemv", "meshgemv"), n=16_384, m=16_384)
    (assumed,) = validate([record]).comparisons
    assert assumed.assumptions == ("grid 750 x 750", "groups of 30 PEs")
    named = replace(record, parameters={**record.parameters, "rows": 750, "cols": 750, "group": 30})
    (other,) = validate([named]).comparisons
    assert (other.modelled, other.assumptions) == (assumed.modelled, ())
    assert WSE2.cols == 750


def test_gemv_speaks_for_tasks_and_for_two_cycles_a_hop() -> None:
    """Without a task at each stage the records would be 8 % off on average, with one cycle a hop
    24 %, and with a launch for every multiply-add more than a fifth."""

    def mean(**fields: int) -> float:
        found = errors("gemv", "meshgemv", **fields)
        return sum(map(abs, found)) / len(found)

    assert mean() < 0.03
    assert mean(activation_cycles=0, completion_cycles=0) > 0.07
    assert mean(hop_cycles=1) > 0.2
    assert mean(step_launch_cycles=16) > 0.2


def test_a_pipelined_gemv_speaks_for_tasks() -> None:
    without = errors("gemv_pipeline", "", activation_cycles=0, completion_cycles=0)
    assert min(map(abs, errors("gemv_pipeline", ""))) < 0.05
    assert min(map(abs, without)) > 0.1
