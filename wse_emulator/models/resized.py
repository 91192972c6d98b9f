"""Build a model again in another width or depth."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.family import ResizableFamily


def is_resizable(module: nn.Module) -> bool:
    """Whether a module can be built in another width or depth."""
    return isinstance(module, ResizableFamily)


def depth_of(module: nn.Module) -> int | None:
    """The blocks of each stack of a model; None where the stacks differ."""
    assert isinstance(module, ResizableFamily)
    return module.depth


def groups_of(module: nn.Module) -> int:
    """The groups of heads of a model, as :func:`widened` counts them."""
    assert isinstance(module, ResizableFamily)
    return module.block.key_value_heads


def deepened(module: nn.Module, layers: int) -> nn.Module:
    """Build the same model with ``layers`` blocks in each stack."""
    assert isinstance(module, ResizableFamily)
    with torch.device("meta"):
        return module.resized(layers=layers)


def width_steps(module: nn.Module) -> tuple[int, int]:
    """The least hidden size and the step between hidden sizes, which is one group of heads."""
    assert isinstance(module, ResizableFamily)
    step = module.block.hidden // module.block.key_value_heads
    return step, step


def widened(module: nn.Module, groups: int) -> nn.Module:
    """Build the same model with ``groups`` groups of heads; its widths are in proportion."""
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
