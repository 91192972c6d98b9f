"""Find the model that a user names, by name, file, run config or factory."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.errors import ConfigError, InputError, MalformedFileError
from wse_emulator.models.catalog import (
    RUN_CONFIG_SUFFIXES,
    builtin_model,
    builtin_named,
    check_model_name,
)
from wse_emulator.models.factory_model import load_factory_model
from wse_emulator.models.hugging_face import is_hugging_face_config, load_hugging_face
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes, parse_shapes, read_json


def load_model(text: str) -> ModelShapes:
    """Read the shapes of the model that a user names.

    Args:
        text: a built-in name (``gpt2-xl``), a shapes file (JSON), a Hugging Face
            ``config.json`` or the folder with it, a run config (YAML), or ``module:factory``.

    Raises:
        UnknownNameError: no such built-in model and no such file; names the nearest.
        MalformedFileError: a file that is missing or is not what it should be.
        ConfigError: a run config that lacks a size of the model.
        FactoryError: a factory that fails or returns no module.
    """
    name = text.strip()
    builtin = builtin_named(name)
    if builtin is not None:
        return builtin_model(builtin)
    check_model_name(name)
    path = Path(name)
    if path.is_dir():
        path = path / "config.json"
        if not path.is_file():
            raise MalformedFileError(f"{name}: a folder without a config.json")
    if path.is_file() and is_run_config(name):
        return load_configured_model(path)
    if path.is_file() and path.suffix != ".py":
        return _from_file(path)
    return load_factory_model(name)


def _from_file(path: Path) -> ModelShapes:
    document = read_json(path)
    if is_hugging_face_config(document) and isinstance(document, dict):
        return load_hugging_face(document, path)
    return parse_shapes(document, path.stem, str(path))


def is_run_config(text: str) -> bool:
    """Whether the name of a model is that of a run config."""
    return Path(text).suffix in RUN_CONFIG_SUFFIXES


def load_configured_model(path: Path, config: RunConfig | None = None) -> ModelShapes:
    """Build the model that a run config describes, on the meta device.

    Raises:
        MalformedFileError: the file cannot be read.
        ConfigError: it is no run config, or lacks a size of the model.
    """
    from wse_emulator.models.model_zoo import build_model_zoo  # noqa: PLC0415 - loads the families

    read = config or read_run_config(path)
    if not read.model.settings:
        raise ConfigError(f"{path}: has no model section to build layers from")

    def build() -> nn.Module:
        return build_model_zoo(read.model.name, read.model.section)

    return shapes_of_module(build(), path.stem, f"run config {path}", build=build)


def module_of_model(model: ModelShapes) -> nn.Module:
    """Build the layers of a model on the meta device.

    Raises:
        InputError: only its shapes are known.
    """
    if model.build is not None:
        return model.build()
    from wse_emulator.models.published import build_published  # noqa: PLC0415 - loads the families

    module = build_published(model.architecture, model.config) if model.architecture else None
    if module is None:
        raise InputError(
            f"{model.name}: activations need the model's layers, and only its shapes are known; "
            "name a built-in model, a config.json, a run config or module:factory, or leave out "
            "--batch-size"
        )
    return module
