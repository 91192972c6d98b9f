"""The optimizer and schedulers of a run config, on the parameters of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from optimizers import Optimizer
from schedulers import LRScheduler
from wse_emulator.configs.read import parse_run_config, read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.errors import ConfigError
from wse_emulator.inputs.optimizer import build_optimizer, configured_choice

CONFIGS = sorted((Path(__file__).parents[1] / "data" / "run_configs").glob("*.yaml"))


def _model() -> list[tuple[str, torch.nn.Parameter]]:
    names = ("embed.weight", "layers.0.norm.weight", "layers.0.dense.weight", "layers.0.dense.bias")
    return [(name, torch.nn.Parameter(torch.ones(3, device="meta"))) for name in names]


@dataclass(frozen=True)
class _Built:
    optimizer: Optimizer
    schedulers: tuple[LRScheduler, ...]
    ignored: tuple[str, ...]


def _build(config: RunConfig) -> _Built:
    choice, ignored = configured_choice(config)
    assert choice is not None
    return _Built(*build_optimizer(_model(), choice, config.schedules), ignored)


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_published_config_builds_its_optimizer_and_schedule(path: Path) -> None:
    config = read_run_config(path)
    built = _build(config)
    assert type(built.optimizer).__name__.lower() == config.optimizer.name.lower()
    (scheduler,) = built.schedulers
    assert type(scheduler).__name__ == config.schedules[0].scheduler
    (group,) = built.optimizer.param_groups
    assert group["lr"] is scheduler.rate_cell
    assert len(group["params"]) == 4
    assert built.ignored == ()
    for key, value in config.optimizer.arguments.items():
        if key in group and key not in ("betas", "weight_decay"):  # Adam keeps its own L2 rate
            assert group[key] == value


GROUPED = {
    "trainer": {
        "init": {
            "optimizer": {
                "AdamW": {
                    "weight_decay": 0.1,
                    "colour": "red",
                    "params": [
                        {"params": ["*.bias", "*norm*"], "tag": "plain", "weight_decay": 0.0},
                        {"params": "layers.*", "tag": "body"},
                    ],
                }
            },
            "schedulers": [
                {"ConstantLR": {"learning_rate": 0.5, "param_group_tags": "body"}},
            ],
        }
    }
}


def test_groups_follow_the_patterns_and_schedulers_their_tags() -> None:
    built = _build(parse_run_config(GROUPED, "here"))
    groups = built.optimizer.param_groups
    assert [len(group["params"]) for group in groups] == [1, 2, 1]
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0, 0.1]
    assert [group.get("tags") for group in groups] == [None, ["plain", "body"], ["body"]]
    (scheduler,) = built.schedulers
    assert [group["lr"] is scheduler.rate_cell for group in groups] == [False, True, True]
    assert built.ignored == ("colour",)


@pytest.mark.parametrize(
    ("optimizer", "mentions"),
    [
        ({"optimizer_type": "AdamV"}, "AdamW"),
        ({"optimizer_type": "sgd", "momentum": -1}, "momentum"),
        ({"optimizer_type": "sgd", "learning_rate": float("nan")}, "nan"),
    ],
)
def test_what_cannot_be_built_is_a_config_error(
    optimizer: dict[str, object], mentions: str
) -> None:
    config = parse_run_config({"optimizer": optimizer}, "here")
    with pytest.raises(ConfigError, match=mentions) as caught:
        _build(config)
    assert str(caught.value).startswith("here: ")


def test_a_config_without_an_optimizer_leaves_the_choice_open() -> None:
    config = parse_run_config({"model": {"hidden_size": 8}, "optimizer": {}}, "here")
    assert configured_choice(config) == (None, ())
