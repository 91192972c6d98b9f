"""configure_optimizer: every spelling that real run configs use, and clear refusals."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import optimizers
from optimizers.errors import (
    ArgumentError,
    ConfigurationError,
    IgnoredKeyWarning,
    UnknownOptimizerError,
)

DATA = Path(__file__).parents[1] / "data" / "run_config_sections.json"
SECTIONS = json.loads(DATA.read_text())["sections"]


def weights() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.ones(2, 2))]


def said(section: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Class name and hyper-parameters that a section states, read key by key."""
    entries = dict(section["optimizer"])
    if section["style"] == "1.x":
        name = entries.pop("optimizer_type")
    else:
        ((name, entries),) = entries.items()
    expected: dict[str, Any] = {}
    for key, value in entries.items():
        match key:
            case "weight_decay" | "weight_decay_rate":
                expected["weight_decay"] = float(value)
            case "eps" | "epsilon":
                expected["eps"] = float(value)
            case "betas":
                expected["betas"] = tuple(value)
            case "correct_bias" | "use_bias_correction":
                expected["correct_bias"] = value
            case "momentum":
                expected["momentum"] = value
            case "learning_rate" if not isinstance(value, (list, dict)):
                expected["lr"] = float(value)
    for first, second in (("beta1", "beta2"), ("beta_1", "beta_2")):
        if first in entries:
            expected["betas"] = (entries[first], entries[second])
    if "lr" not in expected:
        expected["lr"] = {"adamw": 0.001, "adam": 0.001}.get(name.lower(), 0.1)
    return name, expected


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s["id"])
@pytest.mark.filterwarnings("ignore::optimizers.errors.IgnoredKeyWarning")
def test_sections_of_published_run_configs(section: dict[str, Any]) -> None:
    given = copy.deepcopy(section["optimizer"])
    read = optimizers.read_section(given)
    built = read.build(weights())
    assert given == section["optimizer"]
    name, expected = said(section)
    assert type(built).__name__.lower() == name.lower()
    for key, value in expected.items():
        assert built.param_groups[0][key] == pytest.approx(value), key
    entries = given if section["style"] == "1.x" else given[name]
    assert read.learning_rate == entries.get("learning_rate")
    patterns = [group["params"] for group in entries.get("params", ())]
    assert [group["params"] for group in read.groups] == patterns
    if section["style"] == "1.x":
        kwargs = {k: v for k, v in given.items() if k != "optimizer_type"}
        same = optimizers.configure_optimizer(given["optimizer_type"], weights(), **kwargs)
        assert str(same) == str(built)


def test_groups_of_a_section_carry_documented_names() -> None:
    section = {
        "AdamW": {
            "weight_decay": 0.1,
            "params": [{"params": "*.bias", "weight_decay_rate": "0.0", "tag": "no decay"}],
        }
    }
    read = optimizers.read_section(section)
    assert read.groups == ({"params": "*.bias", "weight_decay": 0.0, "tag": "no decay"},)


def test_parameter_groups_use_the_same_spellings() -> None:
    first, second = weights(), weights()
    groups: list[dict[str, Any]] = [
        {"params": first, "weight_decay_rate": 0.0},
        {"params": second, "epsilon": "1e-3"},
    ]
    optimizer = optimizers.configure_optimizer("adamw", groups, weight_decay=0.1)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.0, 0.1]
    assert [group["eps"] for group in optimizer.param_groups] == [1e-6, 1e-3]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("LAMB", {"beta_1": "0.8"}, {"betas": (0.8, 0.999)}),
        ("adafactor", {"eps1": 1e-30, "eps2": "1e-2"}, {"eps": (1e-30, 1e-2), "lr": 0.1}),
        ("Rprop", {"eta1": 0.4, "eta2": 1.1}, {"etas": (0.4, 1.1)}),
        ("rprop", {"step_size_min": 1e-5, "step_size_max": 9}, {"step_sizes": (1e-5, 9)}),
        ("sgd", {"use_nesterov": "true", "momentum": 0.9}, {"nesterov": True, "lr": 0.1}),
        ("lion", {"learning_rate": "3e-4"}, {"lr": 3e-4}),
        ("AdamW", {"learning_rate": 0.5, "lr": 0.25}, {"lr": 0.25}),
        ("AdamW", {"betas": ["0.9", "0.95"], "correct_bias": "False"}, {"correct_bias": False}),
        ("adam", {"use_bias_correction": True}, {"lr": 0.001}),
    ],
)
def test_spellings(name: str, arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    optimizer = optimizers.configure_optimizer(name, weights(), **arguments)
    for key, value in expected.items():
        assert optimizer.param_groups[0][key] == value


def test_a_subclass_defined_elsewhere_counts() -> None:
    class Halving(optimizers.SGD):
        def __init__(self, params: Any, lr: float = 0.5, factor: float = 0.5) -> None:
            super().__init__(params, lr)
            self.factor = factor

    built = optimizers.configure_optimizer("halving", weights(), factor="0.25")
    assert isinstance(built, Halving)
    assert built.factor == 0.25


def test_other_keys_are_named_by_one_warning() -> None:
    with pytest.warns(IgnoredKeyWarning) as caught:
        optimizers.configure_optimizer(
            "AdamW", weights(), max_gradient_norm=1.0, weight_decays=0.1, loss_scaling_factor=1
        )
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "max_gradient_norm (clip_grad_norm_static)" in message
    assert "weight_decays (did you mean weight_decay?)" in message
    assert "loss_scaling_factor (DynamicLossScale)" in message


def test_nothing_to_warn_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizers.configure_optimizer("AdamW", weights(), learning_rate=[{"scheduler": "x"}])


def test_refusals() -> None:
    with pytest.raises(UnknownOptimizerError, match=r"'adanw'; choose one of .*Adadelta, .*AdamW"):
        optimizers.configure_optimizer("adanw", weights())
    with pytest.raises(ConfigurationError, match=r"weight_decay=0.1, weight_decay_rate=0.2 .*dis"):
        optimizers.configure_optimizer("AdamW", weights(), weight_decay=0.1, weight_decay_rate=0.2)
    with pytest.raises(ConfigurationError, match="correct_bias is False, and Adam always"):
        optimizers.configure_optimizer("Adam", weights(), correct_bias=False)
    with pytest.raises(ArgumentError, match=r"AdamW: lr is -1.0; it must be at least 0"):
        optimizers.configure_optimizer("AdamW", weights(), learning_rate="-1")
    with pytest.raises(ArgumentError, match="eps is 'small'; it must be a number"):
        optimizers.configure_optimizer("AdamW", weights(), eps="small")
    with pytest.raises(ConfigurationError, match=r"needs 'optimizer_type'.*has lr, eps"):
        optimizers.read_section({"lr": 0.1, "eps": 1e-8})
    with pytest.raises(ConfigurationError, match="Failed to configure AdamW optimizer"):
        optimizers.configure_optimizer("AdamW", [1, 2])  # type: ignore[arg-type]  # no tensors
