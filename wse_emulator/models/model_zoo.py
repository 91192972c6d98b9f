"""Build the model that the ``model`` section of a Model Zoo run config describes."""

from __future__ import annotations

import torch
from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models import families  # noqa: F401 - its files register the makers
from wse_emulator.models.registry import configured_maker


def build_model_zoo(name: str | None, settings: Section) -> nn.Module:
    """Build the layers of a run config's model on the meta device.

    The kind of model follows from the keys of the section, since 1.x configs give no name: each
    family says which sections it recognises, and a section that none of them does is a decoder.

    Args:
        name: the model's name, where the config gives one.
        settings: its section; every key that the builder asks for counts as used.

    Raises:
        ConfigError: a size is missing or impossible; names the key.
    """
    try:
        with torch.device("meta"):
            return configured_maker(settings, name)(settings, name)
    except RuntimeError as error:  # more bytes than a 64-bit number counts
        raise settings.refused(f"its sizes are impossibly large: {error}") from error
