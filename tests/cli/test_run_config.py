"""``wse run MODEL --config FILE``: optimizer, schedule and clipping of real run configs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import wse_emulator
from tests.cli.command import wse

CONFIGS = sorted((Path(__file__).parents[1] / "data" / "run_configs").glob("*.yaml"))
MODEL = [["h.0.w", [24, 16], "float32"], ["h.0.b", [16], "float32"]]


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(MODEL))
    return str(path)


def test_there_are_twenty_configs() -> None:
    assert len(CONFIGS) == 20


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_its_optimizer_and_schedule_run(config: Path, model: str) -> None:
    result = wse_emulator.run(model, config=config, wafer="wse2:6x5")
    assert result.fits
    assert result.scheduler is not None
    assert result.optimizer.name.lower() in config.read_text().lower()
    assert result.steps[0].learning_rate is not None
    assert result.config_unused  # data paths, logging and the like are listed


def test_clipping_of_a_config_is_part_of_the_step(model: str) -> None:
    config = next(path for path in CONFIGS if path.stem == "1x__params_gpt2_xl")
    result = wse_emulator.run(model, config=config, wafer="wse2:6x5")
    assert result.optimizer.options["max_grad_norm"] == 1.0
    assert result.optimizer.options["weight_decay"] == 0.011
    assert any(message.name == "sum over the wafer" for message in result.messages)


def test_a_flag_beside_the_config_goes_first(model: str) -> None:
    config = CONFIGS[0]
    result = wse_emulator.run(model, config=config, optimizer="SGD", lr=0.5, wafer="wse2:6x5")
    assert result.optimizer.name == "SGD"
    assert result.steps[0].learning_rate == 0.5
    assert any("replaced" in entry for entry in result.config_unused)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("optimizer: [", "YAML"),
        ("runconfig:\n  max_steps: 3\n", "optimizer"),
        ("optimizer: !!python/object/apply:os.system ['true']\n", "tag"),
    ],
    ids=["broken", "no optimizer", "python tag"],
)
def test_a_config_that_is_none_is_one_plain_line(
    tmp_path: Path, model: str, content: str, says: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    answer = wse("run", model, "--config", str(path))
    assert answer.code == 2
    assert says.lower() in answer.error.lower()
    assert len(answer.error.strip().splitlines()) == 1


def test_levers_of_a_model_that_does_not_fit_can_be_typed(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("optimizer: {optimizer_type: AdamW, learning_rate: 1.0e-4, beta2: 0.95}\n")
    shapes = tmp_path / "model.json"
    shapes.write_text(json.dumps([[f"h.{i}.w", [128, 128], "float32"] for i in range(4)]))
    where = ("--wafer", "wse2:3x3")
    answer = wse("run", str(shapes), "--config", str(config), *where, "--json", "-")
    assert answer.code == 3, answer.error
    levers = json.loads(answer.output)["levers"]
    assert levers
    for lever in levers:
        words = shlex.split(lever["command"])
        assert words[:2] == ["wse", "fit"]
        tried = wse(*words[1:], "--no-levers", "--json", "-")
        assert tried.code == (0 if lever["fits"] else 3), lever
        assert json.loads(tried.output)["fits"] is lever["fits"]
        if "optimizer" not in lever["what"]:
            assert "betas=0.9,0.95" in words
