"""Configs of many kinds are built as transformers builds them, and their forward gets inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import transformers

import wse_emulator
from wse_emulator.errors import MalformedFileError
from wse_emulator.models.load import load_model
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.plan.activations import activation_profile

TEXT: Mapping[str, object] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 200,
}
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 64}
LLAMA = {"model_type": "llama", **GROUPED}
IMAGE: Mapping[str, object] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
STACKS = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "vocab_size": 200,
    "num_hidden_layers": 2,
}
MAMBA = {"hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 200}
SPEECH = {
    **TEXT,
    "conv_dim": [32] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
WHISPER = {
    **STACKS,
    "max_source_positions": 50,
    "max_target_positions": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
STAGES = {"hidden_sizes": [16, 32, 64, 128], "depths": [1, 1, 1, 1]}
SEGMENTS = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [16, 32],
    "patch_sizes": [7, 3],
    "strides": [4, 2],
    "num_attention_heads": [1, 2],
    "mlp_ratios": [2, 2],
    "decoder_hidden_size": 32,
}
SHORT = {**TEXT, "max_position_embeddings": 32}
CLIP = {"model_type": "clip_vision_model", **IMAGE}
PAIR = {"text_config": SHORT, "vision_config": IMAGE, "projection_dim": 32}
LLAVA = {"text_config": LLAMA, "vision_config": CLIP, "image_token_index": 199}

KINDS: dict[str, tuple[str, Mapping[str, object]]] = {
    "qwen3": ("Qwen3ForCausalLM", GROUPED),
    "gemma2": ("Gemma2ForCausalLM", GROUPED),
    "mamba": ("MambaForCausalLM", MAMBA),
    "bart": ("BartForConditionalGeneration", STACKS),
    "whisper": ("WhisperForConditionalGeneration", WHISPER),
    "wav2vec2": ("Wav2Vec2ForCTC", SPEECH),
    "segformer": ("SegformerForSemanticSegmentation", SEGMENTS),
    "convnext": ("ConvNextForImageClassification", STAGES),
    "clip": ("CLIPModel", PAIR),
    "llava": ("LlavaForConditionalGeneration", LLAVA),
}
MORE: dict[str, tuple[str, Mapping[str, object]]] = {
    "qwen2": ("Qwen2ForCausalLM", GROUPED),
    "gemma": ("GemmaForCausalLM", GROUPED),
    "gemma3_text": ("Gemma3ForCausalLM", GROUPED),
    "phi": ("PhiForCausalLM", TEXT),
    "phi3": ("Phi3ForCausalLM", {**TEXT, "pad_token_id": 0}),
    "bloom": ("BloomForCausalLM", {"hidden_size": 64, "n_layer": 2, "n_head": 4, "vocab_size": 9}),
    "mpt": ("MptForCausalLM", {"d_model": 64, "n_heads": 4, "n_layers": 2, "vocab_size": 9}),
    "gpt_neox": ("GPTNeoXForCausalLM", TEXT),
    "olmo2": ("Olmo2ForCausalLM", TEXT),
    "cohere": ("CohereForCausalLM", TEXT),
    "starcoder2": ("Starcoder2ForCausalLM", GROUPED),
    "gpt_oss": ("GptOssForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "falcon_mamba": ("FalconMambaForCausalLM", MAMBA),
    "roberta": ("RobertaForSequenceClassification", TEXT),
    "distilbert": (
        "DistilBertForMaskedLM",
        {"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 4, "vocab_size": 200},
    ),
    "electra": ("ElectraForPreTraining", {**TEXT, "embedding_size": 32}),
    "albert": ("AlbertForMaskedLM", {**TEXT, "embedding_size": 32}),
    "modernbert": ("ModernBertForMaskedLM", {**TEXT, "pad_token_id": 0}),
    "layoutlm": ("LayoutLMForTokenClassification", TEXT),
    "deit": ("DeiTForImageClassification", IMAGE),
    "dinov2": ("Dinov2ForImageClassification", IMAGE),
    "beit": ("BeitForImageClassification", IMAGE),
    "resnet": ("ResNetForImageClassification", {**STAGES, "embedding_size": 16}),
    "videomae": ("VideoMAEForVideoClassification", {**IMAGE, "num_frames": 4, "tubelet_size": 2}),
    "hubert": ("HubertForCTC", SPEECH),
    "siglip": ("SiglipModel", {"text_config": SHORT, "vision_config": IMAGE}),
}


def configured(folder: Path, kind: str, architecture: str, facts: Mapping[str, object]) -> str:
    path = folder / f"{kind}.json"
    path.write_text(json.dumps({"model_type": kind, "architectures": [architecture], **facts}))
    return str(path)


def in_transformers(kind: str, architecture: str, facts: Mapping[str, object]) -> int:
    config = transformers.AutoConfig.for_model(kind, **facts)
    with torch.device("meta"):
        model = getattr(transformers, architecture)(config)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    "kind", [*KINDS, *(pytest.param(kind, marks=pytest.mark.deep) for kind in MORE)]
)
def test_kinds_are_counted_as_transformers_counts_and_every_part_runs(
    kind: str, tmp_path: Path
) -> None:
    architecture, facts = {**KINDS, **MORE}[kind]
    model = load_model(configured(tmp_path, kind, architecture, facts))
    assert model.total_elements == in_transformers(kind, architecture, facts)
    length = 32 if {"vocab_size", "text_config"} & facts.keys() and kind != "wav2vec2" else None
    profile = activation_profile(model, "bfloat16", length)
    assert profile.missing == ()
    assert profile.saved_per_sample > 0


@pytest.mark.parametrize(
    ("kind", "architecture", "facts", "parameters"),
    [
        (
            "swin",
            "SwinForImageClassification",
            {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]},
            28_288_354,  # the published count of Swin-T, with 1,000 classes
        ),
        (
            "levit",
            "LevitForImageClassification",
            {"hidden_sizes": [128, 256, 384], "num_attention_heads": [4, 8, 12], "num_labels": 10},
            8_447_018,
        ),
    ],
)
def test_a_list_of_heads_is_one_number_a_stage(
    kind: str, architecture: str, facts: dict[str, object], parameters: int, tmp_path: Path
) -> None:
    facts = {"num_labels": 1000, **facts}
    assert load_model(configured(tmp_path, kind, architecture, facts)).total_elements == parameters


def dtypes(model: ModelShapes) -> set[str]:
    return {parameter.dtype for parameter in model.parameters}


@pytest.mark.parametrize("key", ["torch_dtype", "dtype"])
def test_the_dtype_at_the_top_is_that_of_the_whole_model(key: str, tmp_path: Path) -> None:
    llama = configured(tmp_path, "llama", "LlamaForCausalLM", {**GROUPED, key: "float16"})
    assert dtypes(load_model(llama)) == {"float16"}
    facts = {**LLAVA, key: "float16"}
    llava = configured(tmp_path, "llava", "LlavaForConditionalGeneration", facts)
    assert dtypes(load_model(llava)) == {"float16"}
    plain = configured(tmp_path, "llama", "LlamaForCausalLM", GROUPED)
    assert dtypes(load_model(plain)) == {"float32"}


def test_images_are_given_to_the_vision_tower(tmp_path: Path) -> None:
    path = configured(tmp_path, "llava", "LlavaForConditionalGeneration", LLAVA)
    profile = activation_profile(load_model(path), "float32", 32)
    tower = [stage for stage in profile.stages if "vision_tower.encoder" in stage.layer]
    assert len(tower) == 2
    assert all(stage.saved > 0 for stage in tower)


def test_a_part_without_inputs_is_said_to_be_missing(tmp_path: Path) -> None:
    facts = {"text_config": LLAMA, "vision_config": CLIP, "image_token_index": 199}
    path = configured(tmp_path, "llava_next", "LlavaNextForConditionalGeneration", facts)
    report = wse_emulator.fit(
        path, optimizer="AdamW", lr=1e-3, wafer="wse2:64x64", batch_size=2, levers=False
    )
    (note,) = (note for note in report.notes if "missing" in note)
    assert "The activations of model.vision_tower" in note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_config": {**LLAMA, "num_hidden_layers": 10**9}}, "text_config.num_hidden_layers"),
        ({"vision_config": {**CLIP, "hidden_size": 10**12}}, "no model has such a size"),
        ({"vision_config": {**CLIP, "hidden_size": -64}}, "vision_config.hidden_size is -64"),
        ({"text_config": "llama"}, "not a usable llava config|cannot be built"),
    ],
)
def test_impossible_numbers_of_a_part_are_refused(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = configured(tmp_path, "llava", "LlavaForConditionalGeneration", {**LLAVA, **change})
    with pytest.raises(MalformedFileError, match=message):
        load_model(path)


def test_a_config_says_its_name_or_its_folder_does(tmp_path: Path) -> None:
    folder = tmp_path / "my-llama"
    folder.mkdir()
    facts = {"model_type": "llama", **GROUPED}
    (folder / "config.json").write_text(json.dumps(facts))
    assert load_model(str(folder / "config.json")).name == "my-llama"
    told = {**facts, "_name_or_path": "someone/Small-LLaMA"}
    (folder / "config.json").write_text(json.dumps(told))
    assert load_model(str(folder)).name == "Small-LLaMA"
