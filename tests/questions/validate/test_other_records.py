"""Well-formed records that the package does not hold: none stops a file, whatever it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.questions.validate.records import own_record
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import ValidationReport, validate
from wse_emulator.questions.validate.measurements import RecordParameter


def compared(
    operation: str,
    metric: str = "cycles",
    machine: str = "wse3",
    **parameters: RecordParameter,
) -> ValidationReport:
    return validate([own_record(operation, parameters, metric=metric, machine=machine)])


def modelled(operation: str, **parameters: RecordParameter) -> float:
    return compared(operation, **parameters).comparisons[0].modelled


def reason(report: ValidationReport) -> str:
    assert not report.comparisons
    return report.not_modelled[0][1]


def test_elements_of_a_pe_follow_from_a_matrix_in_tiles() -> None:
    matrix = {"rows": 8, "cols": 8, "matrix_rows": 60, "matrix_cols": 250, "dtype": "float16"}
    given = modelled("function_silu", elements_per_pe=8 * 32, code="map", **matrix)
    assert modelled("function_silu", code="map", **matrix) == given


def test_a_rate_in_another_metric_is_not_modelled_and_a_misspelt_metric_refused() -> None:
    rate = compared("gemv_tile", "multiply_adds_per_cycle", inputs_per_pe=8, outputs_per_pe=8)
    assert "metric multiply_adds_per_cycle is not modelled" in reason(rate)
    with pytest.raises(MalformedFileError, match="cyclez"):
        compared("gemv_tile", "cyclez", inputs_per_pe=8, outputs_per_pe=8)


def test_what_the_machine_lacks_is_no_fault_of_the_record() -> None:
    lying = compared("allreduce_2d_max", machine="wse2", rows=8, cols=900)
    assert "exceeds the 750 cols of wse2" in reason(lying)


def test_a_layer_of_a_model_whose_sizes_nobody_gave() -> None:
    grid = {"rows": 360, "cols": 360, "kv_length": 4096}
    assert "'other-9b' are not known" in reason(compared("decode_layer", model="other-9b", **grid))
    sizes = {"hidden_size": 4320, "ffn_size": 14400}
    of_other = modelled("decode_layer", model="other-9b", **grid, **sizes)
    assert of_other == modelled("decode_layer", model="llama3-8b", **grid, **sizes)


def test_a_wrong_parameter_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    record = {"id": "mine", "machine": "wse2", "operation": "residual_add", "parameters": {}}
    of = {"metric": "cycles_per_token", "value": 3, "unit": "cycles"}
    path.write_text(json.dumps({"records": [record | of]}))
    with pytest.raises(MalformedFileError, match=r"mine\.json: record mine .*elements_per_pe"):
        validate(path)


def test_attention_spreads_its_queries_over_a_rectangle_and_may_exceed_a_pe() -> None:
    sizes = {"sequence_length": 64, "head_dim": 16, "dtype": "float32"}
    assert modelled("attention", rows=2, cols=2, **sizes) == modelled("attention", pes=4, **sizes)
    whole = compared("attention", sequence_length=256, head_dim=64, dtype="float32")
    assert "256 queries and 256 keys 64 wide take" in reason(whole)


def test_a_norm_on_one_pe_is_of_its_elements() -> None:
    given = modelled("rmsnorm", elements_per_pe=256, dtype="float32")
    assert modelled("rmsnorm", elements=256, dtype="float32") == given
