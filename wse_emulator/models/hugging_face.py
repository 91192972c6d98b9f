"""Build the model of a Hugging Face ``config.json`` on the meta device (extra ``hf``, offline)."""

from __future__ import annotations

import copy
import inspect
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from wse_emulator.configs.section import MOST_LAYERS
from wse_emulator.errors import InputError, MalformedFileError, UnknownNameError, near
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes

if TYPE_CHECKING:
    from transformers import PretrainedConfig

MOST_PARAMETERS: Final = 300_000
"""More tensors than any published model has."""

LARGEST_WHOLE: Final = 2**31

_COUNTS: Final = re.compile(r"(layers?|depths?|blocks|stages)$")
"""Keys that hold a number of layers; each is built."""

_OTHER_INPUTS: Final = frozenset(
    {"image_size", "num_channels", "text_config", "vision_config", "audio_config"}
)
"""Fields of models that take more than text, whose configs leave out what is as usual."""

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
        return _built(architecture, config, path)

    return shapes_of_module(
        build(),
        _name(document, path),
        f"Hugging Face config {path}",
        build=build,
        config=config.to_dict(),
    )


def _name(document: Mapping[str, object], path: Path) -> str:
    """What the model is called: a file ``config.json`` says it itself, or its folder does."""
    if path.name != "config.json":
        return path.stem
    given = document.get("_name_or_path")
    spoken = Path(given).name if isinstance(given, str) else ""
    return spoken or path.resolve().parent.name or path.stem


def _built(architecture: type[nn.Module], config: PretrainedConfig, path: Path) -> nn.Module:
    """The module on the meta device, in the dtype that the config asks for at its top."""
    from transformers import PreTrainedModel  # noqa: PLC0415 - optional, slow

    try:
        config = copy.deepcopy(config)
        if "Classification" in architecture.__name__:
            _name_padding(config)
        with torch.device("meta"), warnings.catch_warnings(), _few_parameters(path):
            warnings.simplefilter("ignore")
            if issubclass(architecture, PreTrainedModel):
                # attention written out: scores, softmax, weighted sum, as in the built-in models
                make: Callable[..., object] = architecture._from_config
                module = make(config, attn_implementation="eager")
            else:
                module = architecture(config)
    except MalformedFileError:
        raise
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


@contextmanager
def _few_parameters(path: Path) -> Iterator[None]:
    """Stop a build that makes more parameters than any model has, whatever the size is called.

    Raises:
        MalformedFileError: there are more than ``MOST_PARAMETERS``.
    """
    made = 0

    def count(_module: nn.Module, _name: str, _parameter: object) -> None:
        nonlocal made
        made += 1
        if made > MOST_PARAMETERS:
            raise MalformedFileError(
                f"{path}: the model has more than {MOST_PARAMETERS:,} parameter tensors; its "
                "number of layers or experts is a mistake"
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _config(document: Mapping[str, object], path: Path) -> PretrainedConfig:
    from transformers import CONFIG_MAPPING, AutoConfig  # noqa: PLC0415 - optional, slow

    # what it warns of (token numbers, say) is no question of memory
    logging.getLogger("transformers").setLevel(logging.ERROR)
    kind = document.get("model_type", _kind_of_class(document))
    if not isinstance(kind, str):
        raise MalformedFileError(f"{path}: has no model_type, so its architecture is unknown")
    if kind not in CONFIG_MAPPING:
        raise UnknownNameError(
            f"{path}: model_type {kind!r} is unknown to the installed transformers"
            + near(kind, list(CONFIG_MAPPING))
            + _code_of_its_own(document)
        )
    _check_sizes(document, CONFIG_MAPPING[kind], path)
    facts = {key: value for key, value in document.items() if key != "model_type"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config: PretrainedConfig = AutoConfig.for_model(kind, **facts)
        _make_steady(config)
    except Exception as error:
        raise MalformedFileError(
            f"{path}: not a usable {kind} config: {type(error).__name__}: {error}"
        ) from error
    heads = getattr(config, "num_attention_heads", None)
    groups = getattr(config, "num_key_value_heads", None)
    given = "num_key_value_heads" in document
    if given and isinstance(heads, int) and type(groups) is int and (groups < 1 or heads % groups):
        raise MalformedFileError(
            f"{path}: num_attention_heads {heads} is no multiple of num_key_value_heads {groups}"
        )
    return config


def _kind_of_class(document: Mapping[str, object]) -> str | None:
    """The type that the class in ``architectures`` belongs to, for a config that names none."""
    class_of_config = getattr(_named_class(document), "config_class", None)
    kind = getattr(class_of_config, "model_type", None)
    return kind if isinstance(kind, str) and kind else None


def _code_of_its_own(document: Mapping[str, object]) -> str:
    """What to give instead where a config refers to code that comes with its weights."""
    if "auto_map" not in document:
        return ""
    return (
        "; its auto_map names code beside it, which is never run: import that code in a factory "
        "of your own, and give file.py:factory"
    )


def _named_class(document: Mapping[str, object]) -> type[nn.Module] | None:
    """The model class of transformers that ``architectures`` names, None if there is no such."""
    import transformers  # noqa: PLC0415 - optional, slow

    named = document.get("architectures")
    if not isinstance(named, list) or not named:
        return None
    found = getattr(transformers, str(named[0]), None)
    return found if isinstance(found, type) and issubclass(found, nn.Module) else None


def _make_steady(config: PretrainedConfig) -> None:
    """Let every layer run and every input count: what a model leaves out at random in training
    would make its activations differ from answer to answer."""
    for name in ("layerdrop", "encoder_layerdrop", "decoder_layerdrop"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    if hasattr(config, "apply_spec_augment"):
        config.apply_spec_augment = False
    for name in config.sub_configs:
        part = getattr(config, name, None)
        if part is not None:
            _make_steady(part)


def _name_padding(config: PretrainedConfig) -> None:
    """Name a token of padding, without which classifiers of a decoder take one sample at a time."""
    text = config.get_text_config()
    if getattr(text, "pad_token_id", 0) is None:
        text.pad_token_id = 0


def _check_sizes(
    document: Mapping[str, object], config_class: type[PretrainedConfig], path: Path
) -> None:
    """Refuse a language model without sizes: the defaults of its class are another model's."""
    spelled = config_class.attribute_map
    known = frozenset(inspect.signature(config_class).parameters) | config_class.sub_configs.keys()
    must = [size for size in SIZES if size in known or spelled.get(size, size) in known]
    language = len(must) == len(SIZES) and not known & _OTHER_INPUTS
    for size in must:
        name = spelled.get(size, size)
        value = document.get(name, document.get(size))
        if value is None and (language or name in document):
            raise MalformedFileError(f"{path}: has no {name}, so the model's size is unknown")
        if value is None:
            continue
        sizes = value if isinstance(value, list) and value else [value]  # one a stage
        if not all(type(one) is int and one > 0 for one in sizes):
            raise MalformedFileError(f"{path}: {name} is {value!r}, not a whole number from 1")
    _check_whole(document, path)


def _check_whole(document: Mapping[str, object], path: Path, place: str = "") -> None:
    """Refuse numbers that no model has, before a class of transformers makes lists of them."""
    for key, value in document.items():
        name = f"{place}{key}"
        if key in SIZES and type(value) is int and value < 0:
            raise MalformedFileError(f"{path}: {name} is {value}, not a whole number from 1")
        if isinstance(value, dict):
            _check_whole(value, path, f"{name}.")
        for one in value if isinstance(value, list) else [value]:
            if type(one) is not int:
                continue
            if _COUNTS.search(key) and one > MOST_LAYERS:
                raise MalformedFileError(
                    f"{path}: {name} is {value}; at most {MOST_LAYERS:,} layers are built"
                )
            if abs(one) > LARGEST_WHOLE:
                raise MalformedFileError(f"{path}: {name} is {value}; no model has such a size")


def _architecture(
    document: Mapping[str, object], config: PretrainedConfig, path: Path
) -> type[nn.Module]:
    import transformers  # noqa: PLC0415 - optional, slow
    from transformers.models.auto import modeling_auto  # noqa: PLC0415 - optional, slow

    named = document.get("architectures")
    if isinstance(named, list) and named:
        name = str(named[0])
        found = _named_class(document)
        if found is None:
            alike = [n for n in dir(transformers) if n.startswith(name[:3])]
            models = [n for n in alike if _named_class({"architectures": [n]}) is not None]
            raise UnknownNameError(
                f"{path}: architecture {name!r} is no model of the installed transformers"
                + near(name, models)
                + _code_of_its_own(document)
            )
        return found
    for mapping in (
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING,
        modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING,
        modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING,
        modeling_auto.MODEL_FOR_CTC_MAPPING,
        modeling_auto.MODEL_MAPPING,
    ):
        if type(config) in mapping:
            chosen: object = mapping[type(config)]
            if isinstance(chosen, tuple):
                chosen = chosen[0]
            if isinstance(chosen, type) and issubclass(chosen, nn.Module):
                return chosen
    raise UnknownNameError(f"{path}: there is no model class for a {type(config).__name__}")
