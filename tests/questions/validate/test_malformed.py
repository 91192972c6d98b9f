"""A record that lacks a field or has an impossible one is named, with the file and the field."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.questions.validate.whole import ReadParameters, smallest_of_each_kernel
from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate import Measurement, read_measurements, validate

RECORD: dict[str, object] = {
    "id": "mine",
    "machine": "wse2",
    "kind": "simulator",
    "operation": "reduce_1d",
    "parameters": {"algorithm": "chain", "pes": 8, "wavelets": 16},
    "metric": "cycles",
    "value": 58,
    "unit": "cycles",
    "source": "by hand",
    "note": "",
}


def write(folder: Path, *records: object) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps({"records": records}))
    return path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"value": 0}, "value"),
        ({"value": -3}, "value"),
        ({"value": "58"}, "value"),
        ({"value": True}, "value"),
        ({"value": None}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": float("inf")}, "value"),
        ({"value": 10**400}, "value"),
        ({"value": 1e-300}, "value"),
        ({"parameters": 3}, "parameters"),
        ({"parameters": []}, "parameters"),
        ({"machine": ""}, "machine"),
        ({"machine": 3}, "machine"),
        ({"operation": None}, "operation"),
        ({"metric": ["cycles"]}, "metric"),
        ({"metric": "furlongs"}, "furlongs"),
        ({"unit": 1}, "unit"),
        ({"unit": "s"}, "unit"),
        ({"metric": "seconds"}, "unit"),
        ({"metric": "seconds", "unit": "us"}, "unit"),
        ({"kind": "guess"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"source": 3}, "source"),
        ({"note": None}, "note"),
        ({"bound": "below"}, "bound"),
        ({"bound": True}, "bound"),
        ({"contested": True}, "contested"),
        ({"same_as": 7}, "same_as"),
        ({"id": ""}, "id"),
        ({"id": 8}, "id"),
        ({"parameters": {"algorithm": "chain", "pes": 8}}, "wavelets"),
        ({"parameters": {"algorithm": "chain", "pes": -8, "wavelets": 4}}, "pes"),
        ({"parameters": {"algorithm": "two_phase", "pes": 8, "wavelets": 4}}, "group"),
        ({"parameters": {"algorithm": "chain", "pes": 5000, "wavelets": 4}}, "5000"),
        ({"parameters": {"algorithm": 3, "pes": 8, "wavelets": 4}}, "algorithm"),
        ({"parameters": {"algorithm": "star", "pes": 99, "wavelets": 10**30}}, "wavelets"),
        ({"parameters": {"algorithm": "star", "pes": 99, "wavelets": 10**9}}, "cycles"),
        ({"parameters": {"pes": 8, "wavelets": 4}}, "algorithm"),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(MalformedFileError, match=says) as caught:
        validate(write(tmp_path, RECORD | changes))
    called = "mine" if changes.get("id", "mine") == "mine" else repr(changes["id"])
    assert called in str(caught.value)


@pytest.mark.parametrize(
    "name", ["id", "machine", "operation", "parameters", "metric", "value", "unit"]
)
def test_a_record_that_lacks_a_field_is_named(tmp_path: Path, name: str) -> None:
    lacking = {key: value for key, value in RECORD.items() if key != name}
    with pytest.raises(MalformedFileError, match=rf"data\.json: record .* lacks {name}") as caught:
        read_measurements(write(tmp_path, RECORD, lacking))
    assert ("'mine'" if name != "id" else "record 1") in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"records": 3}', '{"records": [3]}'])
def test_a_file_without_records_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(MalformedFileError, match=r"data\.json"):
        read_measurements(path)


def test_a_file_of_no_records_has_an_empty_report(tmp_path: Path) -> None:
    report = validate(write(tmp_path))
    assert (report.comparisons, report.not_modelled, report.summary()) == ((), (), {})


WRONG = [None, "x", -1, 0, 1.5, True, [], 10**30, float("nan")]


@pytest.mark.parametrize("wrong", WRONG)
def test_every_parameter_that_a_model_reads_is_checked(wrong: object) -> None:
    """Whatever stands in its place, the record is refused by name, or not modelled."""
    for record in smallest_of_each_kernel():
        for name in read_of(record):
            given = record.parameters[name]
            changed = replace(record, parameters=dict(record.parameters) | {name: wrong})  # type: ignore[arg-type]
            if type(wrong) is type(given) is str:
                assert validate([changed]).not_modelled
            elif type(wrong) is not type(given) or wrong in (-1, 0, 10**30):
                with pytest.raises(MalformedFileError, match=f"{record.id}.*{name}"):
                    validate([changed])


def test_a_parameter_that_is_missing_is_named_or_has_a_default() -> None:
    refused = 0
    for record in smallest_of_each_kernel():
        for name in read_of(record):
            of = {key: value for key, value in record.parameters.items() if key != name}
            lacking = replace(record, parameters=of)
            try:
                report = validate([lacking])
            except MalformedFileError as error:
                said = str(error)
                refused += 1
            else:
                assert report.comparisons or report.not_modelled
                continue
            assert re.search(f"{record.id}.*{name}", said)
    assert refused > len(smallest_of_each_kernel())


def read_of(record: Measurement) -> list[str]:
    """The parameters of a record that its model asked for."""
    parameters = record.parameters
    assert isinstance(parameters, ReadParameters)
    return sorted(parameters.read & set(parameters.keys()))
