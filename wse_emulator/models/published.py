"""Build a published model from its configuration."""

from __future__ import annotations

import torch
from torch import nn

from wse_emulator.models import families  # noqa: F401 - its files register the makers
from wse_emulator.models.registry import Config, maker_of


def build_published(architecture: str, config: Config) -> nn.Module | None:
    """Build a published model on the meta device; None for an unknown architecture.

    Args:
        architecture: class of the model, as its source names it (``GPT2LMHeadModel``).
        config: its configuration, in the words of the same source.
    """
    make = maker_of(architecture)
    if make is None:
        return None
    with torch.device("meta"):
        return make(config)
