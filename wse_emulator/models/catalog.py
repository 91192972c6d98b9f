"""The built-in models, whose shapes come with the package."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Final

from wse_emulator.models.shapes import ModelShapes, parse_shapes

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
