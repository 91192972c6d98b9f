"""Inputs for one forward pass of a model, on the meta device."""

from __future__ import annotations

import inspect
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from wse_emulator.errors import InputError
from wse_emulator.models.family import Example, Family
from wse_emulator.models.language import tokens
from wse_emulator.models.vision import images

DEFAULT_IMAGE = (224, 224)


@runtime_checkable
class HasExample(Protocol):
    """A user's module that names its own inputs, for models whose inputs cannot be guessed."""

    def example_inputs(self, batch_size: int, sequence_length: int | None) -> tuple[object, ...]:
        """Arguments of ``forward``, on the meta device."""


def example_for(
    module: nn.Module,
    batch: int,
    sequence: int | None = None,
    target: int | None = None,
) -> Example:
    """Make inputs for a module from what is known of it.

    A module with a method ``example_inputs(batch_size, sequence_length)`` is asked. Otherwise the
    inputs follow from the Hugging Face configuration, or from the first layer: an embedding takes
    token ids, a convolution images of 224 x 224, a linear layer vectors.

    Raises:
        InputError: the inputs cannot be guessed, a length is missing or exceeds the positions, or
            a target length is given for a model that is no encoder-decoder.
    """
    if target is not None and not _has_target(module):
        raise InputError(
            f"a target length of {target} tokens is given, and the model is no encoder-decoder; "
            "leave it out"
        )
    if isinstance(module, Family):
        return module.example(batch, sequence, target)
    if isinstance(module, HasExample):
        return Example(tuple(module.example_inputs(batch, sequence)), sequence=sequence)
    if hasattr(module, "config") and hasattr(module, "main_input_name"):
        return _hugging_face(module, batch, sequence, target)
    return _by_first_layer(module, batch, sequence)


def _has_target(module: nn.Module) -> bool:
    config = getattr(module, "config", None)
    own = isinstance(module, Family) and module.has_target
    return own or bool(getattr(config, "is_encoder_decoder", False))


def _hugging_face(
    module: nn.Module, batch: int, sequence: int | None, target: int | None
) -> Example:
    config = module.config
    accepted = inspect.signature(module.forward).parameters
    labels = torch.zeros(batch, dtype=torch.int64, device="meta")
    keywords: dict[str, object] = {}
    length: int | None = None
    if module.main_input_name == "pixel_values":
        size = getattr(config, "image_size", DEFAULT_IMAGE)
        size = (size, size) if isinstance(size, int) else tuple(size)
        keywords["pixel_values"] = images(batch, getattr(config, "num_channels", 3), size)
    else:
        positions = _positions(config)
        length = sequence or positions
        if length is None:
            raise InputError("the config names no sequence length; give --seq-len")
        if positions is not None and length > positions:
            raise InputError(
                f"sequence length {length} exceeds the {positions} positions of the model"
            )
        keywords["input_ids"] = tokens(batch, length)
        if "labels" in accepted and "Classification" not in type(module).__name__:
            labels = tokens(batch, length)
    if getattr(config, "is_encoder_decoder", False):
        assert length is not None
        keywords["decoder_input_ids"] = labels = tokens(batch, target or length)
    if "labels" in accepted:
        keywords["labels"] = labels
    if "next_sentence_label" in accepted:
        keywords["next_sentence_label"] = torch.zeros(batch, dtype=torch.int64, device="meta")
    if length is not None and "attention_mask" in accepted:
        # given in its final form, so that no value of it is looked at: meta tensors have none
        keywords["attention_mask"] = torch.zeros(1, 1, 1, length, device="meta")
        if "position_ids" in accepted:
            keywords["position_ids"] = tokens(1, length)
    if "use_cache" in accepted:
        keywords["use_cache"] = False
    return Example(keywords=keywords, sequence=length)


def _positions(config: object) -> int | None:
    for name in ("n_positions", "max_position_embeddings"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _by_first_layer(module: nn.Module, batch: int, sequence: int | None) -> Example:
    needed = [
        p
        for p in inspect.signature(module.forward).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    first = next((part for part in module.modules() if isinstance(part, _KNOWN_FIRST)), None)
    if len(needed) == 1 and first is not None:
        inputs: Tensor | None = None
        if isinstance(first, nn.Embedding):
            if sequence is None:
                raise InputError("the model takes tokens; give --seq-len")
            inputs = tokens(batch, sequence)
        elif isinstance(first, nn.Conv2d):
            inputs = images(batch, first.in_channels, DEFAULT_IMAGE)
        elif isinstance(first, nn.Linear):
            inputs = torch.zeros(batch, first.in_features, device="meta")
        if inputs is not None:
            return Example((inputs,), sequence=sequence)
    names = ", ".join(p.name for p in needed) or "nothing"
    raise InputError(
        f"the inputs of {type(module).__name__}.forward ({names}) cannot be told from its layers; "
        "give the module a method example_inputs(batch_size, sequence_length) that returns them"
    )


_KNOWN_FIRST = (nn.Embedding, nn.Conv2d, nn.Linear)
