"""Inputs for the forward pass of a Hugging Face model, on the meta device.

What a model takes is read from the signature of its forward and from its configuration. Models
differ in the mask and the labels that they take, so there are several candidates; the first that
runs is the one that counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import product
from typing import Final

import torch
from torch import Tensor, nn

from wse_emulator.errors import InputError
from wse_emulator.models.family import DEFAULT_LENGTH, Example
from wse_emulator.models.language import tokens
from wse_emulator.models.vision import images

DEFAULT_IMAGE: Final = (224, 224)
_POSITIONS: Final = (
    *("n_positions", "max_position_embeddings", "max_target_positions", "max_seq_len"),
    *("max_sequence_length", "seq_length"),
)
_SECOND_OF_SOUND: Final = 16_000
"""Samples of one second of speech at the rate that such models are trained on."""


def is_hugging_face(module: nn.Module) -> bool:
    """Whether a module is a model of transformers, which says what its inputs are called."""
    return hasattr(module, "config") and hasattr(module, "main_input_name")


def is_encoder_decoder(module: nn.Module) -> bool:
    """Whether a model of transformers takes a second sequence of its own length."""
    return bool(getattr(getattr(module, "config", None), "is_encoder_decoder", False))


def hugging_face_examples(
    module: nn.Module, batch: int, sequence: int | None, target: int | None
) -> Iterator[Example]:
    """Candidates for the arguments of a forward pass, the likeliest first.

    Raises:
        InputError: the sequence is longer than the positions of the model.
    """
    accepted = frozenset(inspect.signature(module.forward).parameters)
    text = _text_config(module.config)
    length, positions = _length(text, sequence)
    inputs = _inputs(module, accepted, batch, length, target)
    if not inputs:
        raise InputError(
            f"the inputs of {type(module).__name__} ({module.main_input_name}) are of no kind "
            "that is known; leave out --batch-size"
        )
    alone = {name: value for name, value in inputs.items() if name == module.main_input_name}
    forms = [inputs]
    pixels = inputs.get("pixel_values")
    if isinstance(pixels, Tensor) and pixels.dim() == 4:  # some take several images a sample
        forms.append({**inputs, "pixel_values": pixels.unsqueeze(1)})
    if alone and alone != inputs:
        forms.append(alone)
    for given in forms:
        takes_tokens = "input_ids" in given or "decoder_input_ids" in given
        masks = _masks(module, accepted) if takes_tokens else (None,)
        for labels, mask in product(_labels(module, accepted, given), masks):
            keywords = {**given, **labels}
            if mask is not None:
                keywords["attention_mask"] = _mask(mask, batch, length)
            if "input_ids" in given and "position_ids" in accepted:
                keywords["position_ids"] = tokens(1, length)
            if "use_cache" in accepted:
                keywords["use_cache"] = False
            yield Example(
                keywords=keywords,
                sequence=length if takes_tokens else None,
                positions=positions if takes_tokens else None,
            )


def _text_config(config: object) -> object:
    """The part of a configuration that describes the language model."""
    get = getattr(config, "get_text_config", None)
    return get() if callable(get) else config


def _length(config: object, sequence: int | None) -> tuple[int, int | None]:
    """The tokens of each sample, and how many the model has positions for, where it says so."""
    found = (getattr(config, name, None) for name in _POSITIONS)
    positions = next((n for n in found if isinstance(n, int) and n > 0), None)
    if sequence is not None and positions is not None and sequence > positions:
        raise InputError(
            f"sequence length {sequence} exceeds the {positions} positions of the model"
        )
    return sequence or min(positions or DEFAULT_LENGTH, DEFAULT_LENGTH), positions


def _inputs(
    module: nn.Module, accepted: frozenset[str], batch: int, length: int, target: int | None
) -> dict[str, object]:
    """All inputs that a model takes, of text, images and sound."""
    config = module.config
    found: dict[str, object] = {}
    if "input_ids" in accepted:
        found["input_ids"] = tokens(batch, length)
    if "bbox" in accepted:
        found["bbox"] = torch.zeros(batch, length, 4, dtype=torch.int64, device="meta")
    if "pixel_values" in accepted:
        found.update(_pictures(config, accepted, batch))
    if "input_features" in accepted:
        found["input_features"] = _spectrogram(config, batch)
    if "input_values" in accepted:
        found["input_values"] = _sound(config, batch)
    if is_encoder_decoder(module) and "decoder_input_ids" in accepted:
        positions = getattr(config, "max_target_positions", None)
        most = positions if isinstance(positions, int) else length
        found["decoder_input_ids"] = tokens(batch, target or min(length, most))
    return found


def _part(config: object, *names: str) -> object:
    """The first nested configuration of these names, else the whole one."""
    return next((p for n in names if (p := getattr(config, n, None)) is not None), config)


def _pictures(config: object, accepted: frozenset[str], batch: int) -> dict[str, object]:
    part = _part(config, "vision_config", "backbone_config", "encoder")
    channels = getattr(part, "num_channels", getattr(part, "in_channels", 3))
    channels = channels if isinstance(channels, int) else 3
    if "image_grid_thw" in accepted:  # patches laid out flat, as Qwen2-VL takes them
        patch, frames = getattr(part, "patch_size", 14), getattr(part, "temporal_patch_size", 2)
        side = 2 * getattr(part, "spatial_merge_size", 2) * 4
        pixels = channels * frames * patch * patch
        return {
            "pixel_values": torch.zeros(batch * side * side, pixels, device="meta"),
            "image_grid_thw": torch.tensor([[1, side, side]] * batch, device="cpu"),
        }
    size = getattr(part, "image_size", DEFAULT_IMAGE)
    pair = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(pair) != 2 or not all(isinstance(side, int) for side in pair):
        pair = DEFAULT_IMAGE
    frames = getattr(part, "num_frames", None)
    if isinstance(frames, int) and getattr(part, "tubelet_size", None) is not None:
        video = torch.zeros(batch, frames, channels, *pair, device="meta")
        return {"pixel_values": video}
    return {"pixel_values": images(batch, channels, (pair[0], pair[1]))}


def _spectrogram(config: object, batch: int) -> Tensor:
    """Mel bands over time, as Whisper takes them."""
    part = _part(config, "audio_config")
    each = getattr(part, "input_feat_per_channel", None)
    if isinstance(each, int):  # bands last, as in Speech2Text
        return torch.zeros(batch, getattr(part, "max_source_positions", 1500), each, device="meta")
    bands = getattr(part, "num_mel_bins", getattr(part, "feature_size", 80))
    side = getattr(part, "spec_size", None)
    if isinstance(side, int):  # a picture of a spectrogram, as in CLAP
        frames = side * side // bands
        return torch.zeros(batch, 1, frames, bands, device="meta")
    steps = 2 * getattr(part, "max_source_positions", 1500)
    return torch.zeros(batch, bands, steps, device="meta")


def _sound(config: object, batch: int) -> Tensor:
    """A second of speech; as a spectrogram where the model cuts one into patches."""
    part = _part(config, "audio_config")
    bands, steps = getattr(part, "num_mel_bins", None), getattr(part, "max_length", None)
    if isinstance(bands, int) and isinstance(steps, int) and hasattr(part, "patch_size"):
        return torch.zeros(batch, steps, bands, device="meta")
    return torch.zeros(batch, _SECOND_OF_SOUND, device="meta")


def _labels(
    module: nn.Module, accepted: frozenset[str], inputs: dict[str, object]
) -> list[dict[str, object]]:
    """Labels that make the model compute its loss, the likeliest first, and none."""
    first = next(value for value in inputs.values() if isinstance(value, Tensor))
    batch = first.shape[0]
    each = torch.zeros(batch, dtype=torch.int64, device="meta")
    forms: list[dict[str, object]] = []
    ids = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    classifies = "Classification" in type(module).__name__
    if "labels" in accepted:
        of_samples: list[dict[str, object]] = [{"labels": each}]
        of_tokens: list[dict[str, object]] = []
        if isinstance(ids, Tensor):
            of_tokens.append({"labels": tokens(*ids.shape)})
        per_token = not classifies or "Token" in type(module).__name__
        forms = [*of_tokens, *of_samples] if per_token else [*of_samples, *of_tokens]
    if "next_sentence_label" in accepted:
        forms = [{**form, "next_sentence_label": each} for form in forms]
    if "start_positions" in accepted:
        forms.append({"start_positions": each, "end_positions": each})
    if "return_loss" in accepted:
        forms.append({"return_loss": True})
    return [*forms, {}]


def _masks(module: nn.Module, accepted: frozenset[str]) -> tuple[str | None, ...]:
    """Forms of the attention mask: in its final form first, so that no value of it is looked at
    (meta tensors have none), or left out first where no layer attends."""
    if "attention_mask" not in accepted:
        return (None,)
    attends = any("attention" in type(part).__name__.lower() for part in module.modules())
    return ("final", None, "tokens") if attends else (None, "tokens")


def _mask(form: str, batch: int, length: int) -> Tensor:
    if form == "final":
        return torch.zeros(1, 1, 1, length, device="meta")
    return torch.ones(batch, length, dtype=torch.int64, device="meta")
