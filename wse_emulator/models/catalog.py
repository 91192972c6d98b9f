"""The built-in models, whose shapes come with the package."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from wse_emulator.errors import MalformedFileError, UnknownNameError, near
from wse_emulator.models.shapes import ModelShapes, parse_shapes

RUN_CONFIG_SUFFIXES: Final = (".yaml", ".yml")

ALIASES: Final = {
    "resnet50": "tv-resnet50",
    "vit-base-patch16-224": "timm-vit-base-patch16-224",
}


@lru_cache(maxsize=1)
def builtin_names() -> tuple[str, ...]:
    """The names of the built-in models, sorted."""
    folder = files("wse_emulator") / "models"
    return tuple(
        sorted(
            entry.name.removesuffix(".json")
            for entry in folder.iterdir()
            if entry.name.endswith(".json")
        )
    )


def builtin_named(text: str) -> str | None:
    """The built-in model that a user's text names, in any case; None if there is none."""
    spelled = {known.lower(): known for known in (*builtin_names(), *ALIASES)}
    return spelled.get(text.strip().lower())


def check_model_name(text: str) -> None:
    """Refuse a text that can name no model, before anything is loaded.

    Raises:
        MalformedFileError: it looks like a file, and there is none.
        UnknownNameError: it is no built-in model, file or factory; the message names the nearest.
    """
    name = text.strip()
    path = Path(name)
    if builtin_named(name) is not None or path.exists() or ":" in name:
        return
    if path.suffix in (".json", *RUN_CONFIG_SUFFIXES) or "/" in name:
        raise MalformedFileError(f"{name}: there is no such file")
    raise UnknownNameError(
        f"unknown model {name!r}{near(name, builtin_names())}; "
        "'wse models' lists the built-in ones; a shapes file, a config.json or module:factory "
        "is fine too"
    )


def builtin_model(name: str) -> ModelShapes:
    """Read one built-in model.

    Raises:
        KeyError: there is none of that name.
    """
    name = ALIASES.get(name, name)
    if name not in builtin_names():
        raise KeyError(name)
    text = (files("wse_emulator") / "models" / f"{name}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return parse_shapes(document, name, f"built-in, as in {document['framework']}")
