"""Run configs of the Model Zoo: what is read from them, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

import schedulers
from optimizers import SGD
from wse_emulator.configs.read import parse_run_config, read_run_config
from wse_emulator.errors import ConfigError

DATA = Path(__file__).parents[1] / "data"
CONFIGS = sorted((DATA / "run_configs").glob("*.yaml"))
STYLES = {
    entry["file"]: entry["style"]
    for entry in json.loads((DATA / "run_configs" / "_index.json").read_text())
}
SECTIONS = json.loads((DATA / "run_config_sections.json").read_text())["sections"]


def _names(document: object, prefix: str = "") -> set[str]:
    if isinstance(document, list) and document:
        inner = (_names(v, f"{prefix}[{i}]") for i, v in enumerate(document))
        return {prefix}.union(*inner)
    if not isinstance(document, dict) or not document:
        return {prefix}
    return set().union(
        *(_names(v, f"{prefix}.{k}" if prefix else str(k)) for k, v in document.items())
    )


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_published_config_is_read(path: Path) -> None:
    config = read_run_config(path)
    assert config.style == STYLES[path.name]
    assert config.optimizer is not None
    assert config.optimizer.name.lower() in ("adamw", "adam", "adafactor")
    assert config.batch_size is not None
    assert config.max_steps is not None
    assert config.half_dtype in ("float16", "cbfloat16")
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.0)
    (section,) = config.schedules
    assert schedulers.build_scheduler(optimizer, section).rates(torch.tensor(1)) > 0


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_unused_names_are_names_of_the_file(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    names = _names(document)
    for unused in read_run_config(path).unused:
        if unused == "optimizer.learning_rate.LinearLR.alpha":  # in a list, which has no names
            continue
        assert any(name == unused or name.startswith(f"{unused}.") for name in names), unused


def test_a_first_style_config_in_full() -> None:
    config = read_run_config(DATA / "run_configs" / "1x__params_gpt2_xl.yaml")
    assert (config.batch_size, config.sequence_length, config.max_steps) == (95, 1024, 3083878)
    assert (config.model.hidden_size, config.model.layers, config.model.heads) == (1600, 48, 16)
    assert (config.model.filter_size, config.model.vocabulary) == (6400, 50257)
    assert config.half_dtype == "cbfloat16"
    assert config.max_gradient_norm == 1.0
    assert config.loss_scaling is not None
    assert config.loss_scaling.dynamic
    assert config.optimizer is not None
    assert config.optimizer.name == "AdamW"
    assert dict(config.optimizer.arguments) == {
        "correct_bias": True,
        "weight_decay": 0.011,
        "betas": [0.9, 0.999],
    }
    (section,) = config.schedules
    assert section.milestones == (10779,)
    assert [part.scheduler for part in section.parts] == ["LinearLR", "CosineDecayLR"]
    assert "eval_input.batch_size" not in config.unused  # a section nothing was read from is one
    assert {"eval_input", "train_input.shuffle", "model.dropout_rate", "runconfig.seed"} <= set(
        config.unused
    )
    assert not {"optimizer.betas", "model.hidden_size"} & set(config.unused)


def test_a_second_style_config_in_full() -> None:
    config = read_run_config(DATA / "run_configs" / "2x__params_gpt3_125m_static75.yaml")
    assert (config.batch_size, config.sequence_length, config.max_steps) == (256, 2048, 4778)
    assert config.model.name == "gpt3"
    assert config.optimizer is not None
    assert dict(config.optimizer.arguments) == {
        "betas": [0.9, 0.95],
        "eps": 1e-8,
        "weight_decay": 0.1,
        "correct_bias": True,
    }
    assert config.sparsity == 0.75
    assert {"trainer.init.sparsity.init_method", "trainer.init.sparsity.param_filter"} <= set(
        config.unused
    )
    assert "trainer.init.sparsity.sparsity" not in config.unused
    assert "trainer.validate" in config.unused
    assert "trainer.init.precision.max_gradient_norm" not in config.unused


def test_grouped_query_attention_and_t5_names_are_facts() -> None:
    llama = read_run_config(DATA / "run_configs" / "1x__params_llama3_8b.yaml").model
    assert llama.key_value_heads == 8
    t5 = read_run_config(DATA / "run_configs" / "1x__t5_base.yaml")
    assert (t5.model.hidden_size, t5.model.layers, t5.model.filter_size) == (768, 12, 3072)
    assert t5.sequence_length == 512


def _document(section: dict[str, object]) -> dict[str, object]:
    if section["style"] == "1.x":
        return {"optimizer": section["optimizer"]}
    init = {"optimizer": section["optimizer"], "schedulers": section["schedulers"]}
    return {"trainer": {"init": init}}


def test_every_published_section_is_read_or_refused_for_a_reason() -> None:
    read, refused = 0, []
    for section in SECTIONS:
        try:
            config = parse_run_config(_document(section), section["id"])
        except ConfigError as error:
            refused.append(str(error))
            continue
        assert config.optimizer is not None
        assert config.schedules
        left = {"log_summaries", "log_grads", "log_hists", "ws_summary", "alpha"}
        left.add("initial_learning_rate")
        assert {name.rpartition(".")[2] for name in config.unused} <= left
        read += 1
    assert read == 233
    assert len(refused) == 2
    assert refused[0].startswith("S0164: trainer.init.schedulers: CosineDecayWD")
    assert refused[1].startswith("S0396: optimizer.learning_rate: Linear: total_iters is missing")


def test_the_reset_switch_of_the_optimizer_section_reaches_the_parts() -> None:
    parts = [
        {"scheduler": "Linear", "initial_learning_rate": 0, "end_learning_rate": 1, "steps": 10},
        {"scheduler": "Linear", "initial_learning_rate": 1, "end_learning_rate": 0, "steps": 100},
    ]
    section = {"optimizer_type": "adamw", "learning_rate": parts, "disable_lr_steps_reset": True}
    config = parse_run_config({"optimizer": section}, "here")
    assert dict(config.schedules[0].parts[1].arguments)["disable_lr_steps_reset"] is True
    assert "disable_lr_steps_reset" not in config.optimizer.arguments
    assert config.unused == ()


def test_groups_and_their_tags() -> None:
    groups = [
        {"params": ["*.bias", "*norm*"], "tag": "plain", "weight_decay": "0.0"},
        {"params": "*", "tag": "rest"},
    ]
    config = parse_run_config(
        {
            "trainer": {
                "init": {
                    "optimizer": {"AdamW": {"weight_decay": 0.1, "params": groups}},
                    "schedulers": [
                        {"ConstantLR": {"learning_rate": 0.1, "param_group_tags": "plain"}},
                        {"ConstantLR": {"learning_rate": 0.2, "param_group_tags": "rest"}},
                    ],
                }
            }
        },
        "here",
    )
    assert config.optimizer is not None
    first, second = config.optimizer.groups
    assert first.patterns == ("*.bias", "*norm*")
    assert dict(first.arguments) == {"weight_decay": 0.0}
    assert (second.patterns, second.tag) == (("*",), "rest")
    assert [section.param_group_tags for section in config.schedules] == [("plain",), ("rest",)]


def test_a_constant_rate_may_stand_with_the_optimizer() -> None:
    for rate in ({"learning_rate": "1e-3"}, {"lr": 0.001}):
        document = {"trainer": {"init": {"optimizer": {"SGD": {"momentum": 0.9, **rate}}}}}
        config = parse_run_config(document, "here")
        assert dict(config.schedules[0].arguments) == {"learning_rate": 0.001}
        assert dict(config.optimizer.arguments) == {"momentum": 0.9}


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ({}, None),
        ({"loss_scaling_factor": 1.0}, None),
        ({"loss_scaling_factor": 128}, (False, 128.0, None)),
        ({"loss_scaling_factor": "dynamic"}, (True, None, None)),
        ({"loss_scaling_factor": "dynamic", "initial_loss_scale": "2e4"}, (True, None, 20000.0)),
    ],
)
def test_loss_scaling(
    scaling: dict[str, object], expected: tuple[bool, float | None, float | None] | None
) -> None:
    config = parse_run_config({"optimizer": {"optimizer_type": "sgd", **scaling}}, "here")
    found = config.loss_scaling
    assert (found and (found.dynamic, found.factor, found.initial)) == expected


def test_precision_follows_the_trainers_section_before_the_models() -> None:
    def half(init: dict[str, object]) -> str | None:
        return parse_run_config({"trainer": {"init": init}}, "here").half_dtype

    assert half({"precision": {"enabled": True, "fp16_type": "bfloat16"}}) == "bfloat16"
    assert half({"model": {"mixed_precision": True, "fp16_type": "cbfloat16"}}) == "cbfloat16"
    assert half({"precision": {"enabled": True}}) == "float16"
    assert half({"precision": {"enabled": False}, "model": {"mixed_precision": True}}) is None
    assert half({}) is None


@pytest.mark.parametrize(
    ("document", "mentions"),
    [
        ({}, "neither a 1.x run config"),
        ({"train_input": {}}, "top level has train_input"),
        ({"trainer": [1, 2]}, "here: trainer must be a section"),
        ({"optimizer": "AdamW"}, "here: optimizer must be a section"),
        ({"optimizer": {"weight_decay": 0.1}}, "optimizer_type is missing"),
        ({"optimizer": {"optimizer_type": 4}}, "optimizer.optimizer_type is 4"),
        ({"optimizer": {}, "train_input": {"batch_size": 0}}, "train_input.batch_size is 0"),
        ({"optimizer": {}, "train_input": {"batch_size": "many"}}, "train_input.batch_size"),
        ({"optimizer": {}, "runconfig": {"max_steps": -1}}, "runconfig.max_steps is -1"),
        ({"optimizer": {"max_gradient_norm": -1.0}}, "optimizer.max_gradient_norm is -1.0"),
        ({"optimizer": {"max_gradient_norm": float("nan")}}, "max_gradient_norm is nan"),
        ({"optimizer": {"loss_scaling_factor": "static"}}, "loss_scaling_factor is 'static'"),
        ({"optimizer": {"learning_rate": float("nan")}}, None),
        ({"optimizer": {"learning_rate": {"scheduler": "Liner"}}}, "did you mean one of: Linear"),
        ({"model": {"mixed_precision": 1}}, "model.mixed_precision is 1"),
        ({"model": {"fp16_type": "fp8", "mixed_precision": True}}, "one of float16, bfloat16"),
        ({"trainer": {"init": {"optimizer": {"A": {}, "B": {}}}}}, "must have one key"),
        ({"trainer": {"init": {"optimizer": {"AdamW": 3}}}}, "trainer.init.optimizer.AdamW"),
        ({"trainer": {"init": {"optimizer": {"AdamW": {"params": "*"}}}}}, "list of groups"),
        (
            {"trainer": {"init": {"optimizer": {"AdamW": {"params": [{"tag": "x"}]}}}}},
            r"AdamW.params\[0\].params",
        ),
        ({"trainer": {"fit": {"train_dataloader": [{}, {}]}}}, "list of 2; name one"),
        (
            {"trainer": {"init": {"schedulers": [{"LinearLR": {}}, {"LinearLR": {}}]}}},
            "initial_learning_rate is missing",
        ),
    ],
)
def test_a_wrong_config_names_the_file_and_the_place(
    document: dict[str, object], mentions: str | None
) -> None:
    if mentions is None:  # read as a section; its numbers are judged when it is built
        assert parse_run_config(document, "here").schedules
        return
    with pytest.raises(ConfigError, match=mentions) as caught:
        parse_run_config(document, "here")
    assert str(caught.value).startswith("here: ")
    assert "\n" not in str(caught.value)
