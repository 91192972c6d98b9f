"""Every scenario runs in a small form, as a command and as a script, and answers its question."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import wse
from wse_emulator.cli.scenarios import scenario_names, scenario_question

ROOT = Path(__file__).parents[2]

SMALL: dict[str, tuple[str, ...]] = {
    "gpt2_xl_adamw": ("--model", "tv-resnet50", "--wafer", "wse2:160x120"),
    "small_mlp_trains": ("--steps", "20", "--wafer", "wse2:4x4"),
}
"""Scenario -> arguments of its small form."""


def test_every_scenario_has_a_small_form_here() -> None:
    assert sorted(SMALL) == scenario_names()


@pytest.mark.parametrize("name", sorted(SMALL))
def test_it_runs_as_a_command_and_writes_a_report(name: str, tmp_path: Path) -> None:
    answer = wse("scenario", name, *SMALL[name], "--out", str(tmp_path / "report"))
    assert answer.code == 0, answer.error
    assert "One step takes" in answer.output
    document = json.loads((tmp_path / "report" / "run.json").read_text())
    assert document["schema"] == "wse-run/1"
    assert document["fits"] is True


@pytest.mark.parametrize("name", sorted(SMALL))
def test_its_help_and_its_question_can_be_read(name: str) -> None:
    answer = wse("scenario", name, "--help")
    assert answer.code == 0
    assert "--out" in answer.output
    assert scenario_question(name).endswith("?")
    assert scenario_question(name).split()[0] in wse("scenarios").output


def test_it_runs_as_a_plain_script_with_plain_errors() -> None:
    ran = subprocess.run(
        [sys.executable, "scenarios/small_mlp_trains.py", "--wafer", "wse2:0x1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "rows" in ran.stderr


def test_weights_on_the_emulator_equal_those_of_the_plain_loop() -> None:
    answer = wse("scenario", "small_mlp_trains", *SMALL["small_mlp_trains"])
    assert "bit for bit: yes" in answer.output


def test_an_unknown_scenario_is_named_with_near_ones() -> None:
    answer = wse("scenario", "gpt2_xl_adam")
    assert answer.code == 2
    assert "gpt2_xl_adamw" in answer.error
