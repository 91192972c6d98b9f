"""``wse validate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.cli.main import exit_code_of


def test_every_record_and_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--bounds"]) == 0
    shown = capsys.readouterr().out
    for text in ("vector-fmacs-5124", "Consistency", "formula", "train-gpt2-117m-112-ws", "gemv"):
        assert text in shown


def test_json_to_stdout_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "wse-validate/1"
    assert document["summary"]["reduce_1d"]["count"] == 4
    assert len(document["not_modelled"]) == 4


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
