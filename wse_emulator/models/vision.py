"""The trunk of vision transformers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BlockFacts, TransformerBlock, make_norm
from wse_emulator.models.zoo_block import block_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionFacts:
    """The sizes of a vision transformer, and which parts it has.

    Attributes:
        image, patch: (height, width) in pixels.
        channels: colours of the image.
        layers: number of blocks.
        block: sizes of a block.
        classes: outputs of the classifier; 0 for none.
        mask_token: it has a learned patch that stands for masked ones.
    """

    image: tuple[int, int]
    patch: tuple[int, int]
    channels: int
    layers: int
    block: BlockFacts
    classes: int
    mask_token: bool = False

    @property
    def patches(self) -> int:
        """The number of patches of an image."""
        return (self.image[0] // self.patch[0]) * (self.image[1] // self.patch[1])


def images(batch: int, channels: int, size: tuple[int, int]) -> Tensor:
    """Images of shape (batch, channels, height, width), on the meta device."""
    return torch.zeros(batch, channels, *size, device="meta")


class VisionTrunk(nn.Module):
    """A vision transformer without a head: patches, class token, positions, blocks, norm."""

    def __init__(self, facts: VisionFacts) -> None:
        super().__init__()
        width = facts.block.hidden
        self.facts = facts
        self.patches = nn.Conv2d(facts.channels, width, facts.patch, facts.patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, facts.patches + 1, width))
        if facts.mask_token:
            self.mask_token = nn.Parameter(torch.empty(1, width))
        self.layers = nn.ModuleList(TransformerBlock(facts.block) for _ in range(facts.layers))
        self.norm = make_norm(facts.block.norm, width)

    def forward(self, image: Tensor) -> Tensor:
        """Turn images into tokens; (batch, channels, height, width) in, (batch, tokens, hidden)
        out."""
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), 1)
        x = functional.dropout(
            x + self.positions[:, : x.shape[1]], self.facts.block.dropout, self.training
        )
        for layer in self.layers:
            x = layer(x)
        normed: Tensor = self.norm(x)
        return normed


def configured_vision(settings: Section, classes: int) -> VisionFacts:
    """The vision transformer that a ``model`` section describes.

    Raises:
        ConfigError: a size is missing or impossible; names the key.
    """
    return VisionFacts(
        image=settings.pair("image_size"),
        patch=settings.pair("patch_size"),
        channels=settings.size("num_channels", 3),
        layers=settings.layers("num_hidden_layers"),
        block=block_of(settings),
        classes=classes,
        mask_token=settings.get("use_masked_patches", False),
    )
