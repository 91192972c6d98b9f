"""``wse models``."""

from __future__ import annotations

import json

import pytest

from wse_emulator.cli.main import exit_code_of
from wse_emulator.models.catalog import builtin_names


def test_every_built_in_model_is_listed_with_its_parameters(
    capsys: pytest.CaptureFixture[str],
):
    assert exit_code_of(["models", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "wse-models/1"
    listed = {model["name"]: model["parameters"] for model in document["models"]}
    assert set(listed) == set(builtin_names())
    assert listed["gpt2-xl"] == 1_557_611_200


def test_the_table_names_the_largest(capsys: pytest.CaptureFixture[str]):
    assert exit_code_of(["models"]) == 0
    assert "68,976,648,192" in capsys.readouterr().out
