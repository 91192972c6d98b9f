"""The built-in models, whose shapes come with the package."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from wse_emulator.errors import MalformedFileError, UnknownNameError, near
from wse_emulator.models.aliases import aliases_of, spelling, spellings
from wse_emulator.models.shapes import ModelShapes, parse_shapes

RUN_CONFIG_SUFFIXES: Final = (".yaml", ".yml")

_LONGEST_PATH: Final = 4095
_LONGEST_PART: Final = 255
"""Bytes of a path, and of a folder or file in it, at most, on Linux."""

_HUB_NAME: Final = re.compile(r"[\w-][\w.-]*/[\w.-]*(?<!\.json)(?<!\.yaml)(?<!\.yml)(?<!\.py)")
"""Owner and name of a model, as the Hugging Face hub has it."""


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


@lru_cache(maxsize=1)
def _listed() -> Mapping[str, str]:
    found = {alias: name for name in builtin_names() for alias in aliases_of(name)}
    return {**found, **{spelling(name): name for name in builtin_names()}}


def builtin_named(text: str) -> str | None:
    """The built-in model that a user's text names, in any case; None if there is none.

    Names of models with the same shapes count, as they are spelled at the Hugging Face hub.

    Example:
        >>> builtin_named("meta-llama/Llama-2-7b-hf")
        'llama-7b'
    """
    if is_too_long(text) or Path(text).is_file():
        return None
    listed = _listed()
    return next((listed[one] for one in spellings(text) if one in listed), None)


def is_too_long(text: str) -> bool:
    """Whether a text is longer than the path of any file."""
    written = text.encode(errors="surrogatepass")
    parts = written.split(b"/")
    return len(written) > _LONGEST_PATH or any(len(part) > _LONGEST_PART for part in parts)


def check_model_name(text: str) -> None:
    """Refuse a text that can name no model, before anything is loaded.

    Raises:
        MalformedFileError: it looks like a file, and there is none.
        UnknownNameError: it is no built-in model, file or factory; the message names the nearest.
    """
    name = text.strip()
    if is_too_long(name):
        raise UnknownNameError(f"unknown model {name:.40}...: no file has so long a name")
    path = Path(name)
    if "://" in name:
        raise UnknownNameError(
            f"unknown model {name!r}: nothing is looked up at an address; give the model's "
            "config.json, as a file or the folder with it"
        )
    if builtin_named(name) is not None or path.exists() or ":" in name:
        return
    if _HUB_NAME.fullmatch(name) and not path.parent.exists():
        raise UnknownNameError(
            f"unknown model {name!r}{near(path.name, builtin_names())}; nothing is looked up at a "
            "hub: give the model's config.json, as a file or the folder with it"
        )
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
    name = builtin_named(name) or name
    if name not in builtin_names():
        raise KeyError(name)
    text = (files("wse_emulator") / "models" / f"{name}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return parse_shapes(document, name, f"built-in, as in {document['framework']}")
