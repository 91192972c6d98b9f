"""Records of decoder layers: their lines, how decode grows with the grid, what they need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.questions.validate.records import own_record
from tests.questions.validate.whole import whole_report
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import Measurement, validate
from wse_emulator.questions.validate.measurements import RecordParameter

NEEDED: dict[str, dict[str, RecordParameter]] = {
    "decode_layer": {"rows": 6, "cols": 6, "hidden_size": 36, "ffn_size": 70, "kv_length": 20},
    "prefill_layer": {
        "rows": 6,
        "cols": 6,
        "hidden_size": 18,
        "ffn_size": 30,
        "sequence_length": 12,
    },
}


def record_of(operation: str, machine: str = "wse2", **parameters: RecordParameter) -> Measurement:
    return own_record(
        operation, {**NEEDED[operation], **parameters}, machine=machine, kind="hardware", value=1
    )


def modelled(record: Measurement) -> float:
    (comparison,) = validate([record]).comparisons
    return float(comparison.modelled)


def test_the_lines_of_decoder_layers_are_kept() -> None:
    groups = {group.group.name: group for group in whole_report().groups()}
    for name, count in (
        ("decode of a layer, CS-3", 9),
        ("decode of a layer, CS-2", 7),
        ("prefill of a layer", 11),
    ):
        whole = groups[name].whole
        assert groups[name].within, name
        assert whole is not None
        assert whole.count == count


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("cs3_waferllm_decode_8B_P420", "cs3_waferllm_decode_8B_P660"),
        ("cs3_waferllm_decode_13B_P420", "cs3_waferllm_decode_13B_P660"),
        ("cs3_waferllm_decode_34B_P540", "cs3_waferllm_decode_34B_P660"),
        ("wse2_waferllm_decode_cycles_8B_P540", "wse2_waferllm_decode_cycles_8B_P660"),
        ("wse2_waferllm_decode_cycles_34B_P420", "wse2_waferllm_decode_cycles_34B_P540"),
        ("wse2_waferllm_decode_cycles_72B_P420", "wse2_waferllm_decode_cycles_72B_P660"),
    ],
)
def test_decode_grows_with_the_grid_as_measured(small: str, large: str) -> None:
    """The sums over longer lines cost more than the smaller shares save."""
    found = {one.record.id: one for one in whole_report().comparisons}
    growth = float(found[large].modelled) - float(found[small].modelled)
    measured = found[large].record.value - found[small].record.value
    assert measured > 0
    assert growth == pytest.approx(measured, rel=0.25)


def test_prefill_of_two_published_layers() -> None:
    """By the formulas of docs/kernels.md 6,182,187 and 11,038,346, which leave norms out, count
    each step's sum of scores as on the way out, and round nothing up."""
    found = {one.record.id: one.modelled for one in whole_report().comparisons}
    assert found["cs3_waferllm_prefill_8B_P480"] == pytest.approx(6_182_187, rel=0.003)
    assert found["cs3_waferllm_prefill_34B_P600"] == pytest.approx(11_038_346, rel=0.003)


@pytest.mark.parametrize("operation", NEEDED)
def test_what_a_layer_needs_is_asked_for_by_name(operation: str) -> None:
    record = record_of(operation)
    assert modelled(record) > 0
    for name in NEEDED[operation]:
        fewer = {key: value for key, value in record.parameters.items() if key != name}
        with pytest.raises(MalformedFileError, match=rf"mine .*parameter {name}\b"):
            validate([replace(record, parameters=fewer)])


@pytest.mark.parametrize("operation", NEEDED)
def test_what_has_no_mechanism_is_listed(operation: str) -> None:
    for changed, reason in (
        ({"cols": 5}, "6 x 5 PEs; the program needs a square one"),
        ({"dtype": "float32"}, "dtype 'float32'"),
    ):
        ((_, why),) = validate([record_of(operation, **changed)]).not_modelled
        assert reason in why
    with pytest.raises(MalformedFileError, match=r"record mine .*800 x 800 PEs"):
        validate([record_of(operation, rows=800, cols=800)])


def test_a_batch_is_not_modelled() -> None:
    ((_, why),) = validate([record_of("decode_layer", batch=2)]).not_modelled
    assert "a batch of more than one token" in why


def test_sizes_of_a_published_model_and_groups_are_assumed_where_none_are_given() -> None:
    record = record_of("decode_layer", rows=100, cols=100)
    named = {
        key: value
        for key, value in record.parameters.items()
        if key not in ("hidden_size", "ffn_size")
    }
    by_name = replace(record, parameters={**named, "model": "llama3-8b"})
    (one,) = validate([by_name]).comparisons
    assert one.assumptions == (
        "sizes of the published llama3-8b: 4096 and 14336",
        "groups of 10 PEs",
    )
    given = {**record.parameters, "hidden_size": 4096, "ffn_size": 14336}
    (other,) = validate([replace(record, parameters=given)]).comparisons
    assert (other.modelled, other.assumptions) == (one.modelled, ("groups of 10 PEs",))
    padded = {**given, "hidden_size": 4100, "ffn_size": 14400}
    assert modelled(replace(record, parameters=padded)) == one.modelled


def test_sizes_scale_decode_and_prefill() -> None:
    """Twice the elements of a PE take more, and no record is looked up."""
    for operation in NEEDED:
        larger = {"hidden_size": 360, "ffn_size": 720}
        assert modelled(record_of(operation, **larger)) > 1.2 * modelled(record_of(operation))
