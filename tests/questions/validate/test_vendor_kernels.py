"""Records of the vendor's compile reports: their lines, what they need, what they may state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.questions.validate.records import own_record
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import Measurement, read_measurements, validate
from wse_emulator.questions.validate.measurements import RecordParameter
from wse_emulator.questions.validate.operations import vendor
from wse_emulator.wafer import WSE2

OPERATIONS = {operation for operation, _ in vendor.VENDOR}
RECORDS = {record.id: record for record in read_measurements() if record.operation in OPERATIONS}

NEEDED: dict[str, dict[str, RecordParameter]] = {
    "allreduce_row": {"pes": 39},
    "allreduce_2d_max": {"rows": 12, "cols": 5},
    "allreduce_2d_sum": {"rows": 12, "cols": 5},
    "layernorm_forward": {"pes": 17, "elements_per_pe": 46},
    "layernorm_backward": {"pes": 17, "elements_per_pe": 46},
    "residual_add": {"elements_per_pe": 44},
    "format_conversion": {"elements_per_pe": 44, "direction": "sparse_to_dense"},
    "row_max": {"rows": 12, "cols": 5, "elements_per_pe": 44},
    "row_sum": {"rows": 12, "cols": 5, "elements_per_pe": 44},
    "softmax_loss_exp": {"elements_per_pe": 44},
    "softmax_loss_gradient": {"elements_per_pe": 44},
    "gelu_forward": {"elements_per_pe": 44},
    "gelu_backward": {"elements_per_pe": 44},
    "attention_softmax_recompute": {"keys_per_pe": 9},
    "attention_softmax_forward": {"keys_per_pe": 9},
    "fully_connected_train": {"inputs_per_pe": 9, "outputs_per_pe": 44},
    "attention_core_forward": {"pes": 40, "sequence_length": 60, "heads": 3, "head_dim": 32},
    "attention_core_backward": {"pes": 40, "sequence_length": 60, "heads": 3, "head_dim": 32},
}
"""Operation -> the parameters without which it cannot be timed."""


def record_of(operation: str, machine: str = "wse2", **parameters: RecordParameter) -> Measurement:
    return own_record(
        operation,
        {**NEEDED[operation], **parameters},
        machine=machine,
        kind="compile_report",
        metric="cycles_per_token",
    )


def modelled(record: Measurement) -> float:
    (comparison,) = validate([record]).comparisons
    return comparison.modelled


def test_the_lines_of_the_groups_are_kept() -> None:
    report = validate(list(RECORDS.values()))
    assert not report.not_modelled
    groups = [group for group in report.groups() if group.group.mean_line is not None]
    assert len(groups) == 3
    assert [group.group.name for group in groups if not group.within] == []


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_what_an_operation_needs_is_asked_for_by_name(operation: str) -> None:
    record = record_of(operation)
    assert modelled(record) > 0
    for name in NEEDED[operation]:
        fewer = {key: value for key, value in record.parameters.items() if key != name}
        with pytest.raises(MalformedFileError, match=rf"mine \({operation}\).*parameter {name}\b"):
            validate([replace(record, parameters=fewer)])


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@pytest.mark.parametrize("machine", ["wse1", "wse2", "wse3"])
def test_all_machines_and_formats_with_rates_are_timed(operation: str, machine: str) -> None:
    mixed = modelled(record_of(operation, machine, dtype="float16_mixed"))
    assert modelled(record_of(operation, machine, dtype="bfloat16")) == mixed
    assert modelled(record_of(operation, machine, dtype="float32")) >= mixed


@pytest.mark.parametrize(
    ("operation", "parameters", "reason"),
    [
        ("layernorm_forward", {"dtype": "int8"}, "format 'int8'"),
        ("format_conversion", {"direction": "sideways"}, "direction 'sideways'"),
        ("allreduce_row", {"algorithm": "butterfly"}, "algorithm 'butterfly'"),
    ],
)
def test_what_has_no_mechanism_is_listed(
    operation: str, parameters: dict[str, RecordParameter], reason: str
) -> None:
    report = validate([record_of(operation, **parameters)])
    ((_, why),) = report.not_modelled
    assert reason in why


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("allreduce_row", {"pes": 1200}),
        ("allreduce_2d_max", {"rows": 1200}),
        ("row_sum", {"cols": 1200}),
    ],
)
def test_more_pes_than_the_wafer_has_are_refused(
    operation: str, parameters: dict[str, RecordParameter]
) -> None:
    with pytest.raises(MalformedFileError, match=r"record mine .*1,?200"):
        validate([record_of(operation, **parameters)])


def test_a_line_longer_than_a_row_runs_down_a_column() -> None:
    assert WSE2.cols < 900 <= WSE2.rows
    assert modelled(record_of("allreduce_row", pes=900)) == 105 + 899 + 450


def test_keys_of_a_row_are_assumed_where_the_record_prints_none() -> None:
    record = record_of("attention_core_forward", sequence_length=1024)
    (assumed,) = validate([record]).comparisons
    assert assumed.assumptions[0].startswith("16 keys of a row on a PE")
    assert modelled(record_of("attention_core_forward", sequence_length=1024, keys_per_pe=16)) == (
        assumed.modelled
    )
    fewer = record_of("attention_core_forward", sequence_length=1024, keys_per_pe=8)
    assert modelled(fewer) > assumed.modelled  # twice as many pieces of rows


@pytest.mark.parametrize(("launch", "least"), [(0, 0.10), (16, 2.0)])
def test_fully_connected_layers_speak_for_a_start_of_one_cycle(launch: int, least: float) -> None:
    """With the start of an instruction that loads its descriptors they would take three times as
    long as reported, with none a tenth less."""
    records = [one for one in RECORDS.values() if one.operation == "fully_connected_train"]
    spec = replace(WSE2, wavelet_launch_cycles=launch)
    model = vendor.VENDOR["fully_connected_train", ""].model
    errors = [abs(float(model(one, spec).cycles) / one.value - 1) for one in records]
    assert sum(errors) / len(errors) > least
