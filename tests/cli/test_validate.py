"""``wse validate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.cli.main import exit_code_of


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A file of three records: one is compared, one has no mechanism, one is a whole step."""
    chain = {
        "id": "mine", "machine": "wse2", "kind": "simulator", "operation": "reduce_1d",
        "parameters": {"algorithm": "chain", "pes": 8, "wavelets": 16}, "metric": "cycles",
        "value": 50, "unit": "cycles", "source": "by hand", "note": "",
    }  # fmt: skip
    others = [chain | {"id": "other", "operation": "fft"}]
    others.append(chain | {"id": "step", "operation": "train_step"})
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"records": [chain, *others]}))
    return str(path)


def test_few_records_are_shown_one_by_one(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--data", mine, "--bounds"]) == 0
    shown = capsys.readouterr().out
    for text in ("mine", "+16.0 %", "formula", "no mechanism for fft", "by hand", "16 %"):
        assert text in shown
    assert "1 record of whole training steps left out" in shown.replace("\n", " ")


def test_the_packages_records_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    """By group of operations; each record is shown if it is asked for."""
    assert exit_code_of(["validate", "--quiet"]) == 0
    short = capsys.readouterr().out
    for text in ("reduce along a line", "Consistency", "38 records of whole", "20 coefficients"):
        assert text in short.replace("\n", " ")


def test_json_to_stdout_is_json_alone(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--data", mine, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "wse-validate/2"
    assert document["summary"]["reduce_1d"]["count"] == 1
    assert document["not_modelled"] == [
        {"id": "other", "operation": "fft", "reason": "no mechanism for fft"}
    ]
    by_id = {one["id"]: one for one in document["records"]}
    assert by_id["mine"]["modelled"] == 58
    assert by_id["mine"]["standing"] == "scored"
    for name, standing in (("other", "not_modelled"), ("step", "left_out")):
        assert by_id[name]["modelled"] is None
        assert by_id[name]["error"] is None
        assert by_id[name]["standing"] == standing
        assert by_id[name]["reason"]


@pytest.mark.parametrize(
    ("group", "shown"),
    [("machine", "wse2"), ("kind", "simulator"), ("training", "backward"), ("operation", "line")],
)
def test_errors_are_summed_up_as_asked(
    mine: str, group: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["validate", "--data", mine, "--group", group]) == 0
    assert shown in capsys.readouterr().out


def test_a_malformed_record_is_one_plain_line_with_file_record_and_field(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(mine).read_text()
    Path(mine).write_text(text.replace('"value": 50', '"value": -1', 1))
    assert exit_code_of(["validate", "--data", mine]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    for words in (mine, "'mine'", "value"):
        assert words in shown


def test_a_file_that_is_not_there_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--data", "nowhere.json"]) == 2
    shown = capsys.readouterr().err
    assert "nowhere.json" in shown
    assert shown.count("\n") == 1


def test_an_empty_list_of_records_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"records": []}')
    assert exit_code_of(["validate", "--data", str(path), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"] == {}
