"""The model against published figures; what it knows is the machine and the parameters alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from tests.questions.validate.class_errors import class_errors
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import (
    ValidationReport,
    read_measurements,
    report_document,
    validate,
)
from wse_emulator.questions.validate.accuracy import CLASS_ERRORS_FILE, class_error


@pytest.fixture(scope="module")
def report() -> ValidationReport:
    return validate(read_measurements())


def test_every_published_record_is_compared_or_listed_with_a_reason(
    report: ValidationReport,
) -> None:
    records = read_measurements()
    assert len(records) == 24
    assert len(report.comparisons) + len(report.not_modelled) == 24
    assert {record.operation for record, _ in report.not_modelled} == {"train_step"}
    assert all(reason for _, reason in report.not_modelled)


@pytest.mark.parametrize(
    ("record", "cycles"),
    [
        ("reduce-two-phase-512-4096-g4", 9353),
        ("reduce-two-phase-512-4096-g256", 9983),
        ("vector-fmacs-5124", 5140),
        ("vector-fmacs-5124-conflict", 10264),
        ("gemm-16x12-768-768", 449_642),
        ("gemm-128x8-1024-1024", 148_742),
        ("stream-64-1024", 1280),
    ],
)
def test_modelled_cycles_are_those_of_the_rules(
    report: ValidationReport, record: str, cycles: int
) -> None:
    found = {c.record.id: c for c in report.comparisons}
    assert found[record].modelled == cycles


def test_what_was_taken_from_the_source_is_scored_apart(report: ValidationReport) -> None:
    apart = {c.record.id for c in report.comparisons if c.consistency}
    assert apart == {
        c.record.id
        for c in report.comparisons
        if c.record.machine == "wse3" and c.record.kind == "hardware"
    }
    assert set(report.summary(consistency=True)) == {"vector_op", "stream"}


def test_modelled_values_know_no_id_and_no_published_value(report: ValidationReport) -> None:
    disguised = [
        replace(record, id=f"r{i}", value=1.0, source="", note="")
        for i, record in enumerate(read_measurements())
    ]
    again = validate(disguised)
    assert [c.modelled for c in again.comparisons] == [c.modelled for c in report.comparisons]


def test_the_published_formula_is_near_the_simulation(report: ValidationReport) -> None:
    bounded = [c for c in report.comparisons if c.bound is not None]
    assert {c.record.operation for c in bounded} == {"reduce_1d", "allreduce_2d"}
    for comparison in bounded:
        assert comparison.bound is not None
        assert abs(comparison.bound - comparison.modelled) <= 0.05 * comparison.modelled


def test_the_document_has_the_promised_keys(report: ValidationReport) -> None:
    document = report_document(report, bounds=True)
    json.dumps(document, allow_nan=False)
    assert document["schema"] == "wse-validate/1"
    records = document["records"]
    assert isinstance(records, list)
    for record in records:
        keys = ("id", "operation", "published", "modelled", "error", "unit", "source", "bound")
        assert all(key in record for key in keys)
        expected = (record["modelled"] - record["published"]) / record["published"]
        assert record["error"] == pytest.approx(expected)
    summary = document["summary"]
    assert isinstance(summary, dict)
    for operation, one in summary.items():
        errors = [abs(r["error"]) for r in records if r["operation"] == operation]
        assert one["count"] == len(errors)
        assert one["mean_abs_error"] == pytest.approx(sum(errors) / len(errors))
        assert one["max_abs_error"] == pytest.approx(max(errors))


def write(tmp_path: Path, **changes: object) -> Path:
    record = {
        "id": "mine",
        "machine": "wse2",
        "kind": "simulator",
        "operation": "reduce_1d",
        "parameters": {"algorithm": "chain", "pes": 8, "wavelets": 16},
        "metric": "cycles",
        "value": 58,
        "unit": "cycles",
        "source": "by hand",
    }
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"records": [record | changes]}))
    return path


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    report = validate(read_measurements(write(tmp_path)))
    assert report.comparisons[0].modelled == 16 + 6 * 7
    assert report.comparisons[0].error == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"value": 0}, "value"),
        ({"value": "58"}, "value"),
        ({"parameters": {"algorithm": "chain", "pes": 8}}, "wavelets"),
        ({"parameters": {"algorithm": "chain", "pes": -8, "wavelets": 4}}, "pes"),
        ({"parameters": {"algorithm": "two_phase", "pes": 8, "wavelets": 4}}, "group"),
        ({"parameters": {"algorithm": "chain", "pes": 5000, "wavelets": 4}}, "5000"),
        ({"parameters": 3}, "parameters"),
        ({"parameters": {"algorithm": "star", "pes": 99, "wavelets": 10**30}}, "mine.*cycles"),
        ({"metric": "furlongs"}, "furlongs"),
        ({"machine": ""}, "machine"),
        ({"parameters": {"pes": 8, "wavelets": 4}}, "algorithm"),
        ({"operation": "vector_op", "parameters": {"op": "fft"}}, "dtype"),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(MalformedFileError, match=says):
        validate(read_measurements(write(tmp_path, **changes)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machine": "wse9"}, "wse9"),
        ({"operation": "fft"}, "fft"),
        ({"parameters": {"algorithm": "butterfly", "pes": 8, "wavelets": 4}}, "butterfly.*two_ph"),
        ({"operation": "gemm", "parameters": {"algorithm": "cannon"}}, "cannon"),
        ({"operation": "stream", "parameters": {"algorithm": "zigzag"}}, "zigzag"),
    ],
)
def test_what_has_no_mechanism_is_listed_not_scored(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    report = validate(read_measurements(write(tmp_path, **changes)))
    assert report.comparisons == ()
    assert re.search(says, report.not_modelled[0][1])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"records": 3}', '{"records": [3]}'])
def test_a_file_without_records_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(MalformedFileError, match=r"data\.json"):
        read_measurements(path)


def test_the_errors_that_a_run_is_widened_by_are_those_of_the_records(
    report: ValidationReport,
) -> None:
    text = files("wse_emulator.questions.validate").joinpath(CLASS_ERRORS_FILE).read_text("utf-8")
    remedy = "run: python -m tests.questions.validate.class_errors"
    assert json.loads(text) == class_errors(report), remedy
    summary = report.summary(consistency=False)
    assert all(class_error(name) == one.max_abs_error for name, one in summary.items())
    assert 0 < class_error("vector_op") < class_error("gemm")
    assert class_error("never measured") == 0
