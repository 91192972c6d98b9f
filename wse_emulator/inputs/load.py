"""MODEL, as a user writes it, -> its shapes."""

from __future__ import annotations

from pathlib import Path

from wse_emulator.errors import MalformedFileError, UnknownNameError
from wse_emulator.inputs.catalog import ALIASES, builtin_model, builtin_names
from wse_emulator.inputs.configured_model import is_run_config, load_configured_model
from wse_emulator.inputs.factory import load_factory_model
from wse_emulator.inputs.hugging_face import is_hugging_face_config, load_hugging_face
from wse_emulator.inputs.shapes import ModelShapes, parse_shapes, read_json
from wse_emulator.near_names import near


def load_model(text: str) -> ModelShapes:
    """The shapes of a model named by a user.

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
    spelled = {known.lower(): known for known in (*builtin_names(), *ALIASES)}
    if name.lower() in spelled:
        return builtin_model(spelled[name.lower()])
    path = Path(name)
    if path.is_dir():
        path = path / "config.json"
        if not path.is_file():
            raise MalformedFileError(f"{name}: a folder without a config.json")
    if path.is_file() and is_run_config(name):
        return load_configured_model(path)
    if path.is_file() and path.suffix != ".py":
        return _from_file(path)
    if ":" in name:
        return load_factory_model(name)
    if path.suffix in (".json", ".yaml", ".yml") or "/" in name:
        raise MalformedFileError(f"{name}: there is no such file")
    raise UnknownNameError(
        f"unknown model {name!r}{near(name, builtin_names())}; "
        "'wse models' lists the built-in ones; a shapes file, a config.json or module:factory "
        "is fine too"
    )


def _from_file(path: Path) -> ModelShapes:
    document = read_json(path)
    if is_hugging_face_config(document) and isinstance(document, dict):
        return load_hugging_face(document, path)
    return parse_shapes(document, path.stem, str(path))
