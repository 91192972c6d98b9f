"""Vision transformers that classify an image by its class token."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BLOCK_NAMES
from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.family import Example, ResizableFamily
from wse_emulator.models.registry import Config, configured, published
from wse_emulator.models.vision import VisionFacts, VisionTrunk, configured_vision, images


class VisionTransformer(ResizableFamily):
    """A vision transformer with a classifier on its class token."""

    configured_names = (
        ("trunk.patches.", "vit_model.embedding_layer.linear_proj."),
        ("trunk.class_token", "vit_model.embedding_layer.cls_embedding"),
        ("trunk.positions", "vit_model.embedding_layer.position_embeddings.weight"),
        ("trunk.embedding_norm.", "vit_model.embedding_layer.post_embed_ln."),
        ("trunk.", "vit_model.encoder.transformer_encoder."),
        (".ffn_norm.", ".norm2."),
        ("head.", "classifier.classifier.ffn.0.linear_layer."),
        *BLOCK_NAMES,
    )

    def __init__(self, facts: VisionFacts) -> None:
        super().__init__()
        self.facts = facts
        self.trunk = VisionTrunk(facts)
        read = facts.block.hidden * (2 if facts.patch_means else 1)
        self.head = nn.Linear(read, facts.classes, bias=facts.class_bias)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """The loss of classifying images."""
        x = self.trunk(image)
        read = self.trunk.pooled(x)
        if self.facts.patch_means:
            read = torch.cat((x[:, 0], x[:, 1:].mean(1)), 1)
        return functional.cross_entropy(self.head(read), labels)

    @property
    def block(self) -> BlockFacts:
        """The sizes of its blocks."""
        return self.facts.block

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - images have one size
        """Images and labels, on the meta device."""
        labels = torch.zeros(batch, dtype=torch.int64, device="meta")
        return Example((images(batch, self.facts.channels, self.facts.image), labels))

    @property
    def depth(self) -> int:
        """The blocks of each stack."""
        return self.facts.layers

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


@configured(
    "vision transformer",
    *("vision_transformer", "vit", "ViTModel", "vit_classification"),
    when=lambda settings: settings.has("patch_size"),
    place=20,
)
def configured_vit(settings: Section, _name: str | None) -> nn.Module:
    """The vision transformer that a run config describes."""
    facts = configured_vision(settings, settings.size("num_classes", 1000))
    means = settings.get("use_dinov2_classifier", False)
    if means and not facts.class_token:
        raise settings.refused("use_dinov2_classifier needs prepend_cls_token")
    bias = settings.get("use_bias_in_output", True)
    return VisionTransformer(replace(facts, patch_means=means, class_bias=bias))
