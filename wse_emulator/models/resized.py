"""The same architecture in another width or depth."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from wse_emulator.models.block import BlockFacts
from wse_emulator.models.family import ResizableFamily


def is_resizable(module: nn.Module) -> bool:
    """Whether a module is one of the package's transformers."""
    return isinstance(module, ResizableFamily)


def deepened(module: nn.Module, layers: int) -> nn.Module:
    """The same model with ``layers`` blocks, in each stack of an encoder-decoder."""
    assert isinstance(module, ResizableFamily)
    with torch.device("meta"):
        return module.resized(layers=layers)


def width_steps(module: nn.Module) -> tuple[int, int]:
    """(least hidden size, step between hidden sizes): one group of heads more or less."""
    assert isinstance(module, ResizableFamily)
    step = module.block.hidden // module.block.key_value_heads
    return step, step


def widened(module: nn.Module, groups: int) -> nn.Module:
    """The same model with ``groups`` groups of heads: hidden size and inner width in proportion."""
    assert isinstance(module, ResizableFamily)
    with torch.device("meta"):
        return module.resized(block=_with_groups(module.block, groups))


def _with_groups(block: BlockFacts, groups: int) -> BlockFacts:
    old = block.key_value_heads
    return replace(
        block,
        hidden=block.hidden * groups // old,
        heads=block.heads * groups // old,
        key_value_heads=groups,
        inner=block.inner * groups // old,
    )
