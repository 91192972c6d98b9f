"""Vision transformers that classify an image by its class token."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BlockFacts
from wse_emulator.models.family import Example, ResizableFamily
from wse_emulator.models.registry import Config, configured, published
from wse_emulator.models.vision import VisionFacts, VisionTrunk, configured_vision, images


class VisionTransformer(ResizableFamily):
    """A vision transformer with a classifier on its class token."""

    def __init__(self, facts: VisionFacts) -> None:
        super().__init__()
        self.facts = facts
        self.trunk = VisionTrunk(facts)
        self.head = nn.Linear(facts.block.hidden, facts.classes)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """The loss of classifying images."""
        return functional.cross_entropy(self.head(self.trunk(image)[:, 0]), labels)

    @property
    def block(self) -> BlockFacts:
        """The sizes of its blocks."""
        return self.facts.block

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - images have one size
        """Images and labels, on the meta device."""
        labels = torch.zeros(batch, dtype=torch.int64, device="meta")
        return Example((images(batch, self.facts.channels, self.facts.image), labels))

    def resized(self, *, layers: int | None = None, block: BlockFacts | None = None) -> nn.Module:
        """The same model with another number of blocks, or with other blocks."""
        facts = replace(self.facts, layers=layers or self.facts.layers, block=block or self.block)
        return VisionTransformer(facts)


@published("vit_base_patch16_224")
def vit_base(config: Config) -> nn.Module:
    """ViT-Base with patches of 16 x 16 pixels as published."""
    del config  # the name says it all
    return VisionTransformer(
        VisionFacts(
            image=(224, 224),
            patch=(16, 16),
            channels=3,
            layers=12,
            classes=1000,
            block=BlockFacts(hidden=768, heads=12, key_value_heads=12, head_size=64, inner=3072),
        )
    )


@configured(lambda settings, _name: settings.has("patch_size"), place=20)
def configured_vit(settings: Section, _name: str | None) -> nn.Module:
    """The vision transformer that a run config describes."""
    return VisionTransformer(configured_vision(settings, settings.get("num_classes", 1000)))
