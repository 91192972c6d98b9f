"""Build the model that the ``model`` section of a Model Zoo run config describes."""

from __future__ import annotations

import torch
from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models import families  # noqa: F401 - its files register the makers
from wse_emulator.models.freezing import freeze
from wse_emulator.models.registry import configured_maker
from wse_emulator.models.without_effect import why_without_effect


def build_model_zoo(name: str | None, settings: Section) -> nn.Module:
    """Build the layers of a run config's model on the meta device.

    The kind of model is that of its name. In release 1.x, which gives no name, it follows from
    the keys: each family says which sections it recognises, and any other is a decoder.

    Every key counts: it is used, or known to change nothing, or refused.

    Args:
        name: the model's name, where the config gives one.
        settings: its section; every key that the builder asks for counts as used.

    Raises:
        ConfigError: a kind of model that is not built, a size that is missing or impossible, or a
            key that is not known; names the key.
    """
    named = name or settings.text("name", "model_name")
    try:
        with torch.device("meta"):
            module = configured_maker(settings, named)(settings, named)
            freeze(module, settings)
    except RuntimeError as error:  # more bytes than a 64-bit number counts
        raise settings.refused(f"its sizes are impossibly large: {error}") from error
    _refuse_unknown(settings)
    return module


def _refuse_unknown(settings: Section) -> None:
    """Refuse what nothing has read, unless it is known to change nothing.

    Raises:
        ConfigError: such a key; it may change the model, and would be ignored.
    """
    start = f"{settings.path}." if settings.path else ""
    for name in settings.unused(given=True):
        key = name.removeprefix(start)
        if why_without_effect(key) is None:
            raise settings.refused(
                f"{key} is not known for this kind of model, and may change it; leave it out, or "
                "name a function that returns the nn.Module (file.py:function)"
            )
