"""Inputs for one forward pass of a model, on the meta device."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from wse_emulator.errors import InputError
from wse_emulator.models.family import Example, Family
from wse_emulator.models.hugging_face_inputs import (
    DEFAULT_IMAGE,
    hugging_face_examples,
    is_encoder_decoder,
    is_hugging_face,
)
from wse_emulator.models.language import tokens
from wse_emulator.models.vision import images


@runtime_checkable
class HasExample(Protocol):
    """A user's module that names its own inputs, for models whose inputs cannot be guessed."""

    def example_inputs(self, batch_size: int, sequence_length: int | None) -> tuple[object, ...]:
        """Arguments of ``forward``, on the meta device."""


def examples_for(
    module: nn.Module,
    batch: int,
    sequence: int | None = None,
    target: int | None = None,
) -> Iterator[Example]:
    """Make inputs for a module from what is known of it; of several, the first that runs counts.

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
        yield module.example(batch, sequence, target)
    elif isinstance(module, HasExample):
        yield Example(tuple(module.example_inputs(batch, sequence)), sequence=sequence)
    elif is_hugging_face(module):
        yield from hugging_face_examples(module, batch, sequence, target)
    else:
        yield _by_first_layer(module, batch, sequence)


def example_for(
    module: nn.Module, batch: int, sequence: int | None = None, target: int | None = None
) -> Example:
    """The likeliest of :func:`examples_for`."""
    return next(examples_for(module, batch, sequence, target))


def _has_target(module: nn.Module) -> bool:
    own = isinstance(module, Family) and module.has_target
    return own or is_encoder_decoder(module)


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
