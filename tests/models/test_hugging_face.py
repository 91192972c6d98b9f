"""Hugging Face configs: built on meta from the configuration alone, sizes never guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.errors import MalformedFileError, UnknownNameError
from wse_emulator.models.catalog import builtin_model
from wse_emulator.models.load import load_model
from wse_emulator.plan.activations import activation_profile

SMALL = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 500,
}
GPT = {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 500}
CONFIGS = {
    "gpt2": {"architectures": ["GPT2LMHeadModel"], **GPT},
    "gptj": {"rotary_dim": 8, **GPT},
    "llama": SMALL,
    "mistral": {"num_key_value_heads": 2, **SMALL},
    "mixtral": {"num_key_value_heads": 2, "num_local_experts": 4, **SMALL},
    "falcon": SMALL,
    "opt": {"ffn_dim": 128, "word_embed_proj_dim": 64, **SMALL},
    "bert": {"architectures": ["BertForPreTraining"], **SMALL},
    "vit": {"architectures": ["ViTForImageClassification"], **SMALL},
    "t5": {
        "architectures": ["T5ForConditionalGeneration"],
        "d_model": 64,
        "d_ff": 128,
        "d_kv": 16,
        "num_layers": 2,
        "num_heads": 4,
        "vocab_size": 500,
    },
}


def written(folder: Path, **config: object) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_architectures_are_built_and_their_forward_runs_on_meta(kind: str, tmp_path: Path):
    model = load_model(written(tmp_path, model_type=kind, **CONFIGS[kind]))
    assert model.total_elements > 0
    profile = activation_profile(model, "bfloat16", None if kind == "vit" else 32)
    numbered = [stage for stage in profile.stages if stage.numbered]
    assert len({stage.layer for stage in numbered}) >= 2
    assert all(stage.saved > 0 and stage.entering > 0 for stage in numbered)


def test_a_published_config_gives_the_published_shapes(tmp_path: Path):
    published = builtin_model("gpt2")
    model = load_model(
        written(
            tmp_path,
            model_type="gpt2",
            architectures=["GPT2LMHeadModel"],
            n_layer=12,
            n_embd=768,
            n_head=12,
            vocab_size=50257,
            n_positions=1024,
        )
    )
    assert model.parameters == published.parameters
    assert model.tied == published.tied


def test_the_folder_of_a_config_is_the_model_and_gives_its_name(tmp_path: Path):
    folder = tmp_path / "my-gpt"
    folder.mkdir()
    written(folder, model_type="gpt2", **GPT)
    assert load_model(str(folder)).name == "my-gpt"


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"model_type": "gtp2", **GPT}, UnknownNameError, "did you mean gpt2"),
        ({"architectures": ["X"]}, MalformedFileError, "no model_type"),
        ({"model_type": "gpt2", "n_layer": 2}, MalformedFileError, "has no n_embd"),
        ({"model_type": "gpt2", **GPT, "n_layer": -1}, MalformedFileError, "n_layer is -1"),
        ({"model_type": "gpt2", **GPT, "n_layer": 10**9}, MalformedFileError, "at most 10,000"),
        ({"model_type": "gpt2", **GPT, "n_head": 7}, MalformedFileError, "divisible"),
        (
            {"model_type": "llama", **SMALL, "num_key_value_heads": 3},
            MalformedFileError,
            "no multiple of num_key_value_heads 3",
        ),
        ({"model_type": "llama", **SMALL, "hidden_size": "big"}, MalformedFileError, "'big'"),
        ({"model_type": "llama", **SMALL, "hidden_size": None}, MalformedFileError, "has no hidd"),
        (
            {"model_type": "gpt2", "architectures": ["GPT2LMHeadModell"], **GPT},
            UnknownNameError,
            "did you mean GPT2LMHeadModel",
        ),
    ],
)
def test_configs_that_name_no_model(config, error, message: str, tmp_path: Path):
    with pytest.raises(error, match=message):
        load_model(written(tmp_path, **config))


def test_without_a_model_type_it_is_that_of_the_class(tmp_path: Path):
    sizes = {"architectures": ["LlamaForCausalLM"], **SMALL}
    named = load_model(written(tmp_path, model_type="llama", **sizes))
    assert load_model(written(tmp_path, **sizes)).parameters == named.parameters


@pytest.mark.parametrize("name", ["LlamaTokenizer", "LlamaConfig", "AutoModelForCausalLM"])
def test_a_class_that_is_no_model_is_not_offered_as_what_was_meant(name: str, tmp_path: Path):
    with pytest.raises(UnknownNameError) as caught:
        load_model(written(tmp_path, model_type="llama", architectures=[name], **SMALL))
    assert str(caught.value).count(name) == 1


def test_code_beside_a_config_is_never_run_and_the_factory_is_named(tmp_path: Path):
    ran = tmp_path / "ran"
    for module in ("modeling_x", "configuration_x"):
        (tmp_path / f"{module}.py").write_text(f"open({str(ran)!r}, 'w')\n")
    code = {"AutoConfig": "configuration_x.C", "AutoModelForCausalLM": "modeling_x.M"}
    for kind, architecture in (("x", "XForCausalLM"), ("llama", "XForCausalLM")):
        facts = {"architectures": [architecture], "auto_map": code, "trust_remote_code": True}
        with pytest.raises(UnknownNameError, match=r"never run: .*file\.py:factory"):
            load_model(written(tmp_path, model_type=kind, **facts, **SMALL))
    assert not ran.exists()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"peft_type": "LORA", "r": 8}, "config of an adapter"),
        ({"metadata": {}, "weight_map": {"w": "1.safetensors"}}, "index of a checkpoint"),
        ({"image_processor_type": "CLIPImageProcessor"}, "config of an image processor"),
        ({"bos_token_id": 1}, "config of generation"),
    ],
)
def test_a_file_beside_the_config_is_told_as_what_it_is(facts, message: str, tmp_path: Path):
    with pytest.raises(MalformedFileError, match=f"{message}.*config.json"):
        load_model(written(tmp_path, **facts))


def test_a_negative_number_of_layers_in_a_part_is_refused(tmp_path: Path):
    vision = {"model_type": "clip_vision_model", "num_hidden_layers": -1}
    with pytest.raises(MalformedFileError, match=r"vision_config\.num_hidden_layers is -1"):
        load_model(written(tmp_path, model_type="llava", text_config={}, vision_config=vision))


def test_a_classifier_of_a_decoder_takes_several_samples(tmp_path: Path):
    kind = {"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}
    model = load_model(written(tmp_path, **kind, **SMALL))
    assert all(stage.saved > 0 for stage in activation_profile(model, "float32", 16).stages)


@pytest.mark.parametrize("name", ["a" * 300, "x/" * 3000, "https://example.org/gpt2"])
def test_a_name_that_no_file_can_have_is_an_unknown_model(name: str):
    with pytest.raises(UnknownNameError, match="unknown model"):
        load_model(name)


def test_activations_stay_with_the_layer_that_keeps_them(tmp_path: Path):
    # the classifier is Sequential(Flatten, Linear): a numbered layer without parameters
    sizes = {"hidden_sizes": [8, 16], "depths": [1, 1], "embedding_size": 8, "groups_width": 8}
    named = {"architectures": ["RegNetForImageClassification"], "layer_type": "x"}
    model = load_model(written(tmp_path, model_type="regnet", **sizes, **named))
    kept: dict[str, int] = {}
    for stage in activation_profile(model, "float32").stages:
        kept[stage.layer] = kept.get(stage.layer, 0) + stage.saved
    assert kept["regnet.encoder.stages.0"] > kept["regnet.encoder.stages.1"] > 100_000
    assert kept["classifier.1"] < 1_000
