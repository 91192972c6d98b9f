"""The trunk of vision transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import TransformerBlock
from wse_emulator.models.block_facts import NONLINEARITIES, BlockFacts, make_norm
from wse_emulator.models.zoo_block import ACTIVATIONS, block_of

VisionPositions = Literal["learned", "fixed", "none"]
VISION_POSITIONS: Final[Mapping[str, VisionPositions]] = {
    "learned": "learned",
    "fixed": "fixed",
    "none": "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionFacts:
    """The sizes of a vision transformer, and which parts it has.

    Attributes:
        image, patch: (height, width) in pixels.
        channels: colours of the image.
        layers: number of blocks.
        block: sizes of a block.
        classes: outputs of the classifier; 0 for none.
        class_bias: the classifier has a bias.
        patch_means: the classifier reads the mean of the patches too (DINOv2).
        convolution: patches are embedded by a convolution; else cut out and multiplied.
        patch_bias: that embedding has a bias.
        class_token: a learned token stands before the patches.
        positions: how patches know their place; ``fixed`` positions are parameters that are
            not trained.
        embedding_norm, final_norm: a norm after the embedding, and after the last block.
        embedding_dropout: probability of dropout after the embedding.
        pooler: a dense layer with this nonlinearity on the class token; None for none.
        mask_token: it has a learned patch that stands for masked ones.
    """

    image: tuple[int, int]
    patch: tuple[int, int]
    channels: int
    layers: int
    block: BlockFacts
    classes: int
    class_bias: bool = True
    patch_means: bool = False
    convolution: bool = True
    patch_bias: bool = True
    class_token: bool = True
    positions: VisionPositions = "learned"
    embedding_norm: bool = False
    final_norm: bool = True
    embedding_dropout: float = 0.0
    pooler: str | None = None
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
        width, bias = facts.block.hidden, facts.patch_bias
        self.facts = facts
        self.patches: nn.Module
        if facts.convolution:
            self.patches = nn.Conv2d(facts.channels, width, facts.patch, facts.patch, bias=bias)
        else:
            pixels = facts.channels * facts.patch[0] * facts.patch[1]
            self.patches = nn.Linear(pixels, width, bias=bias)
        self.class_token = nn.Parameter(torch.empty(1, 1, width)) if facts.class_token else None
        tokens = facts.patches + facts.class_token
        self.positions = (
            None
            if facts.positions == "none"
            else nn.Parameter(
                torch.empty(1, tokens, width), requires_grad=facts.positions == "learned"
            )
        )
        if facts.mask_token:
            self.mask_token = nn.Parameter(torch.empty(1, width))
        self.embedding_norm = make_norm("layernorm", width) if facts.embedding_norm else None
        self.layers = nn.ModuleList(TransformerBlock(facts.block) for _ in range(facts.layers))
        self.norm = make_norm(facts.block.norm, width) if facts.final_norm else None
        self.pooler = nn.Linear(width, width) if facts.pooler else None

    def forward(self, image: Tensor) -> Tensor:
        """Turn images into tokens; (batch, channels, height, width) in, (batch, tokens, hidden)
        out."""
        x = self._embedded(image)
        if self.class_token is not None:
            x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), 1)
        if self.positions is not None:
            x = x + self.positions[:, : x.shape[1]]
        if self.embedding_norm is not None:
            x = self.embedding_norm(x)
        x = functional.dropout(x, self.facts.embedding_dropout, self.training)
        for layer in self.layers:
            x = layer(x)
        return x if self.norm is None else self.norm(x)

    def pooled(self, x: Tensor) -> Tensor:
        """One vector an image: the class token (the mean without one), through the pooler."""
        first = x[:, 0] if self.facts.class_token else x.mean(1)
        if self.pooler is None or self.facts.pooler is None:
            return first
        return NONLINEARITIES[self.facts.pooler](self.pooler(first))

    def _embedded(self, image: Tensor) -> Tensor:
        if self.facts.convolution:
            embedded: Tensor = self.patches(image).flatten(2).transpose(1, 2)
            return embedded
        cut = functional.unfold(image, self.facts.patch, stride=self.facts.patch).transpose(1, 2)
        flat: Tensor = self.patches(cut)
        return flat


def configured_vision(settings: Section, classes: int) -> VisionFacts:
    """The vision transformer that a ``model`` section describes.

    Raises:
        ConfigError: a size is missing or impossible; names the key.
    """
    image, patch = settings.pair("image_size"), settings.pair("patch_size")
    if image[0] % patch[0] or image[1] % patch[1]:
        raise settings.refused(f"image_size {image} is no multiple of patch_size {patch}")
    placed = settings.get("position_embedding_type", "learned").lower()
    if "position_embedding_type" in settings.entries and not settings.has(
        "position_embedding_type"
    ):
        placed = "none"
    if placed not in VISION_POSITIONS:
        raise settings.refused(
            f"position_embedding_type is {placed!r}; of images it is one of "
            f"{', '.join(VISION_POSITIONS)}"
        )
    word = settings.choice("nonlinearity", "gelu", ACTIVATIONS)
    pooled = settings.get("use_encoder_pooler_layer", False)
    skipped = settings.probability("stochastic_depth_drop_prob", 0.0)
    return VisionFacts(
        image=image,
        patch=patch,
        channels=settings.size("num_channels", 3),
        layers=settings.layers("num_hidden_layers"),
        block=replace(block_of(settings), path_dropout=skipped),
        classes=classes,
        convolution=settings.get("use_conv_patchified_embedding", False),
        patch_bias=settings.get("use_embed_proj_bias", True),
        class_token=settings.get("prepend_cls_token", True),
        positions=VISION_POSITIONS[placed],
        embedding_norm=settings.get("use_post_embed_layer_norm", False),
        final_norm=settings.get("use_final_layer_norm", True),
        embedding_dropout=settings.probability("embedding_dropout_rate", 0.0),
        pooler=settings.choice("pooler_nonlinearity", word, NONLINEARITIES) if pooled else None,
        mask_token=settings.get("use_masked_patches", False),
    )
