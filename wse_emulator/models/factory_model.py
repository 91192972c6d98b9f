"""The model that a ``module:factory`` returns, built on the meta device."""

from __future__ import annotations

import torch
from torch import nn

from wse_emulator.errors import FactoryError
from wse_emulator.models.factory import call_factory
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes


def load_factory_model(text: str) -> ModelShapes:
    """Build the model of a factory on the meta device, where nothing is allocated.

    Raises:
        FactoryError: the factory fails or returns no ``nn.Module``.
    """

    def build() -> nn.Module:
        with torch.device("meta"):
            module = call_factory(text)
        if not isinstance(module, nn.Module):
            raise FactoryError(
                f"{text} returned {type(module).__name__}; a model factory returns an nn.Module"
            )
        return module

    return shapes_of_module(build(), text, f"factory {text}", build=build)
