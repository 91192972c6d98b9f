"""Vision models: transformer and residual network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.models.block import Block, BlockFacts, make_norm


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionFacts:
    """A vision transformer.

    Attributes:
        image, patch: (height, width) in pixels.
        channels: colours.
        layers: blocks.
        block: sizes and switches of a block.
        classes: outputs of the classifier; 0 for none.
        mask_token: a learned patch that stands for masked ones.
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
        """Tokens of an image without the class token."""
        return (self.image[0] // self.patch[0]) * (self.image[1] // self.patch[1])


def images(batch: int, channels: int, size: tuple[int, int]) -> Tensor:
    """Images on the meta device."""
    return torch.zeros(batch, channels, *size, device="meta")


class VisionTrunk(nn.Module):
    """Patches, class token, positions, blocks, norm."""

    def __init__(self, facts: VisionFacts) -> None:
        super().__init__()
        width = facts.block.hidden
        self.facts = facts
        self.patches = nn.Conv2d(facts.channels, width, facts.patch, facts.patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, facts.patches + 1, width))
        if facts.mask_token:
            self.mask_token = nn.Parameter(torch.empty(1, width))
        self.layers = nn.ModuleList(Block(facts.block) for _ in range(facts.layers))
        self.norm = make_norm(facts.block.norm, width)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, channels, height, width) -> (batch, tokens, hidden)."""
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), 1)
        x = functional.dropout(
            x + self.positions[:, : x.shape[1]], self.facts.block.dropout, self.training
        )
        for layer in self.layers:
            x = layer(x)
        normed: Tensor = self.norm(x)
        return normed


class VisionTransformer(nn.Module):
    """A classifier on the class token."""

    def __init__(self, facts: VisionFacts) -> None:
        super().__init__()
        self.facts = facts
        self.trunk = VisionTrunk(facts)
        self.head = nn.Linear(facts.block.hidden, facts.classes)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """The loss."""
        return functional.cross_entropy(self.head(self.trunk(image)[:, 0]), labels)

    def example(self, batch: int) -> tuple[Tensor, ...]:
        """Arguments of ``forward`` on the meta device."""
        labels = torch.zeros(batch, dtype=torch.int64, device="meta")
        return images(batch, self.facts.channels, self.facts.image), labels


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the stride is in the middle one."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.first = nn.Conv2d(width_in, width, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.third = nn.Conv2d(width, out, 1, bias=False)
        self.third_norm = nn.BatchNorm2d(out)
        self.shortcut: nn.Module | None = None
        if stride != 1 or width_in != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width_in, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        y = functional.relu(self.first_norm(self.first(x)), inplace=True)
        y = functional.relu(self.second_norm(self.second(y)), inplace=True)
        y = self.third_norm(self.third(y))
        return functional.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResidualNetwork(nn.Module):
    """ResNet of bottleneck blocks (50: 3, 4, 6, 3)."""

    def __init__(self, blocks: tuple[int, ...] = (3, 4, 6, 3), classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.stem_norm = nn.BatchNorm2d(64)
        stages, width_in = [], 64
        for number, count in enumerate(blocks):
            width = 64 * 2**number
            stage = nn.ModuleList()
            for position in range(count):
                stage.append(Bottleneck(width_in, width, 2 if number and not position else 1))
                width_in = 4 * width
            stages.append(stage)
        self.stages = nn.ModuleList(stages)
        self.head = nn.Linear(width_in, classes)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """The loss."""
        x = functional.relu(self.stem_norm(self.stem(image)), inplace=True)
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x)
        return functional.cross_entropy(self.head(x.mean((2, 3))), labels)

    def example(self, batch: int) -> tuple[Tensor, ...]:
        """Arguments of ``forward`` on the meta device."""
        labels = torch.zeros(batch, dtype=torch.int64, device="meta")
        return images(batch, 3, (224, 224)), labels
