"""``wse wafers``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.cli.main import exit_code_of
from wse_emulator.wafer import PRESETS, WSE2, parse_wafer


def test_the_list_names_every_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["wafers"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in PRESETS)


def test_one_machine_is_shown_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["wafers", "wse2"]) == 0
    shown = capsys.readouterr().out
    assert "hop_cycles" in shown
    assert "Rocki" in shown
    calls = {tuple(line.split()[:6]) for line in shown.splitlines()}
    assert ("exp", "float32", "82", "81", "84", "evidence") in calls
    assert ("log", "float32", "87", "75", "98", "counted") in calls
    assert ("erf", "float16", "128", "125", "132", "ours") in calls


def test_json_of_all_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["wafers", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "wse-wafers/1"
    assert [machine["name"] for machine in document["wafers"]] == list(PRESETS)


def test_json_of_one_machine_is_a_machine_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    assert exit_code_of(["wafers", "wse2:64x48", "--set", "hop_cycles=2", "--json", str(path)]) == 0
    spec = parse_wafer(str(path))
    assert (spec.rows, spec.cols, spec.hop_cycles) == (64, 48, 2)
    assert spec.lanes == WSE2.lanes


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["wse5"], "wse5"),
        (["wse2:0x4"], "rows"),
        (["wse2", "--set", "hop_cycles=-1"], "hop_cycles"),
        (["--set", "hop_cycles=2"], "name it"),
        (["wse2", "--json", "/nowhere/x.json"], "/nowhere/x.json"),
    ],
)
def test_mistakes_are_one_plain_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["wafers", *arguments]) == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert shown.count("\n") == 1
