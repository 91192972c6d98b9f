"""The package's architectures have the parameters of the published models, tensor for tensor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from wse_emulator.configs.section import Section
from wse_emulator.errors import ConfigError
from wse_emulator.models.catalog import builtin_model, builtin_names
from wse_emulator.models.load import load_model
from wse_emulator.models.model_zoo import build_model_zoo
from wse_emulator.models.published import build_published
from wse_emulator.models.resized import deepened, widened

CONFIGS = Path(__file__).parents[1] / "data" / "run_configs"

# Fused query-key-value (GPT-2, ViT, Phi-3) and the stacked experts of Mixtral are apart here.
FUSED = ("gpt2", "cerebras-gpt", "mixtral", "timm", "phi-3")


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_models_are_built_as_published(name: str):
    model = builtin_model(name)
    module = build_published(model.architecture or "", model.config)
    assert module is not None
    built = list(module.parameters())
    assert sum(p.numel() for p in built) == model.total_elements
    assert all(p.device.type == "meta" for p in built)
    if not name.startswith(FUSED):
        published = Counter(tuple(sorted(p.shape)) for p in model.parameters)
        assert Counter(tuple(sorted(p.shape)) for p in built) == published


@pytest.mark.parametrize(
    ("file", "parameters"),
    [
        ("1x__params_gpt2_medium.yaml", 354_823_168),
        ("1x__params_gpt2_xl.yaml", 1_557_611_200),
        ("1x__params_gpt3_13b.yaml", 12_853_386_240),
        ("1x__params_llama3_8b.yaml", 8_030_261_248),
        ("1x__params_llama_7b.yaml", 6_738_415_616),
        ("2x__params_bloom_7b.yaml", 7_069_016_064),
        ("2x__params_falcon_7b.yaml", 6_921_720_704),
        ("1x__bert_base_classifier_mnli.yaml", 109_484_547),
    ],
)
def test_run_configs_have_the_published_number_of_parameters(file: str, parameters: int):
    assert load_model(str(CONFIGS / file)).total_elements == parameters


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda f: f.stem)
def test_every_run_config_is_built_and_knows_its_layers(file: Path):
    model = load_model(str(file))
    assert model.build is not None
    assert any("layers.0." in p.name for p in model.parameters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "hidden_size is None"),
        ({"num_heads": 0}, "num_heads is 0"),
        ({"num_heads": 7}, "mine.yaml: model: .* no multiple"),
        ({"num_hidden_layers": 10**9}, "at most 10,000 layers"),
        ({"hidden_size": 4 * 10**12}, "impossibly large"),
        ({"num_hidden_layers": "many"}, "num_hidden_layers"),
        ({"nonlinearity": "softsign"}, "softsign"),
        ({"dropout_rate": "high"}, "not a float"),
        ({"vocab_size": True}, "vocab_size"),
    ],
)
def test_a_section_that_cannot_be_built_names_the_key(change: dict[str, object], message: str):
    section = {
        "hidden_size": 64,
        "num_heads": 4,
        "num_hidden_layers": 2,
        "vocab_size": 100,
        "filter_size": 256,
    }
    with pytest.raises(ConfigError, match=message):
        build_model_zoo("gpt2", Section({**section, **change}, "model", "mine.yaml"))


def test_depth_and_width_change_what_they_say():
    module = build_published("GPT2LMHeadModel", builtin_model("gpt2").config)
    assert module is not None
    layer = sum(p.numel() for p in module.layers[0].parameters())
    whole = sum(p.numel() for p in module.parameters())
    assert sum(p.numel() for p in deepened(module, 14).parameters()) == whole + 2 * layer
    wider = widened(module, 24)
    assert wider.layers[0].attention.query.weight.shape == (1536, 1536)
    assert wider.layers[0].ffn.up.weight.shape == (6144, 1536)
