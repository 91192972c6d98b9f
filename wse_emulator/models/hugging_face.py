"""Build the model of a Hugging Face ``config.json`` on the meta device (extra ``hf``, offline)."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from wse_emulator.configs.section import MOST_LAYERS
from wse_emulator.errors import InputError, MalformedFileError, UnknownNameError, near
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes

if TYPE_CHECKING:
    from transformers import PretrainedConfig

SIZES: Final = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")


def is_hugging_face_config(document: object) -> bool:
    """Whether a JSON document looks like a ``config.json``."""
    return isinstance(document, dict) and ("model_type" in document or "architectures" in document)


def load_hugging_face(document: Mapping[str, object], path: Path) -> ModelShapes:
    """Build the model that a ``config.json`` describes, from this file alone.

    The class is the one that ``architectures`` names. Without one it is the type's model with a
    language-model head, or the bare model where there is none.

    Raises:
        MalformedFileError: sizes missing or impossible.
        UnknownNameError: an architecture that the installed transformers does not know.
        InputError: the extra ``hf`` is not installed.
    """
    try:
        config = _config(document, path)
    except ImportError as error:
        raise InputError(
            f"{path}: a Hugging Face config needs the extra: pip install 'wse-emulator[hf]'"
        ) from error
    architecture = _architecture(document, config, path)

    def build() -> nn.Module:
        try:
            with torch.device("meta"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module: object = architecture(config)
        except Exception as error:
            raise MalformedFileError(
                f"{path}: {architecture.__name__} cannot be built from it: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(module, nn.Module):
            raise MalformedFileError(f"{path}: {architecture.__name__} is not a model")
        tie = getattr(module, "tie_weights", None)
        if callable(tie):
            tie()
        return module

    name = path.parent.name if path.name == "config.json" and path.parent.name else path.stem
    return shapes_of_module(
        build(), name, f"Hugging Face config {path}", build=build, config=config.to_dict()
    )


def _config(document: Mapping[str, object], path: Path) -> PretrainedConfig:
    from transformers import CONFIG_MAPPING, AutoConfig  # noqa: PLC0415 - optional, slow

    # what it warns of (token numbers, say) is no question of memory
    logging.getLogger("transformers").setLevel(logging.ERROR)
    kind = document.get("model_type")
    if not isinstance(kind, str):
        raise MalformedFileError(f"{path}: has no model_type, so its architecture is unknown")
    if kind not in CONFIG_MAPPING:
        raise UnknownNameError(
            f"{path}: model_type {kind!r} is unknown to the installed transformers"
            + near(kind, list(CONFIG_MAPPING))
        )
    _check_sizes(document, CONFIG_MAPPING[kind], path)
    facts = {key: value for key, value in document.items() if key != "model_type"}
    # attention written out: scores, softmax, weighted sum, as in the built-in models
    facts["attn_implementation"] = "eager"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config: PretrainedConfig = AutoConfig.for_model(kind, **facts)
    except Exception as error:
        raise MalformedFileError(
            f"{path}: not a usable {kind} config: {type(error).__name__}: {error}"
        ) from error
    heads = getattr(config, "num_attention_heads", None)
    groups = getattr(config, "num_key_value_heads", None)
    if isinstance(heads, int) and isinstance(groups, int) and (groups < 1 or heads % groups):
        raise MalformedFileError(
            f"{path}: num_attention_heads {heads} is no multiple of num_key_value_heads {groups}"
        )
    return config


def _check_sizes(
    document: Mapping[str, object], config_class: type[PretrainedConfig], path: Path
) -> None:
    """Refuse a config without sizes; the defaults of its class would be those of another model."""
    spelled = config_class.attribute_map
    known = inspect.signature(config_class).parameters
    for size in SIZES:
        name = spelled.get(size, size)
        if name not in known and size not in known:
            continue  # this kind of model has no such size
        value = document.get(name, document.get(size))
        if value is None:
            raise MalformedFileError(f"{path}: has no {name}, so the model's size is unknown")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise MalformedFileError(f"{path}: {name} is {value!r}, not a whole number from 1")
        if size == "num_hidden_layers" and value > MOST_LAYERS:
            raise MalformedFileError(
                f"{path}: {name} is {value}; at most {MOST_LAYERS:,} layers are built"
            )


def _architecture(
    document: Mapping[str, object], config: PretrainedConfig, path: Path
) -> type[nn.Module]:
    import transformers  # noqa: PLC0415 - optional, slow
    from transformers.models.auto import modeling_auto  # noqa: PLC0415 - optional, slow

    named = document.get("architectures")
    if isinstance(named, list) and named:
        name = str(named[0])
        found = getattr(transformers, name, None)
        if not isinstance(found, type) or not issubclass(found, nn.Module):
            raise UnknownNameError(
                f"{path}: architecture {name!r} is unknown to the installed transformers"
                + near(name, [n for n in dir(transformers) if n.startswith(name[:3])])
            )
        return found
    for mapping in (
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING,
        modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        modeling_auto.MODEL_MAPPING,
    ):
        if type(config) in mapping:
            chosen: object = mapping[type(config)]
            if isinstance(chosen, type) and issubclass(chosen, nn.Module):
                return chosen
    raise UnknownNameError(f"{path}: there is no model class for a {type(config).__name__}")
