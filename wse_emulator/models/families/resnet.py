"""Residual networks of bottleneck blocks (ResNet-50)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.models.family import Example, Family
from wse_emulator.models.registry import Config, published
from wse_emulator.models.vision import images


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
        """Add the convolutions to the shortcut; (batch, channels, height, width) in and out."""
        y = functional.relu(self.first_norm(self.first(x)), inplace=True)
        y = functional.relu(self.second_norm(self.second(y)), inplace=True)
        y = self.third_norm(self.third(y))
        return functional.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResidualNetwork(Family):
    """A ResNet; ``blocks`` are the bottleneck blocks of each stage (3, 4, 6, 3 for ResNet-50)."""

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
        """The loss of classifying images."""
        x = functional.relu(self.stem_norm(self.stem(image)), inplace=True)
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x)
        return functional.cross_entropy(self.head(x.mean((2, 3))), labels)

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - images have one size
        """Images of 224 x 224 pixels and labels, on the meta device."""
        labels = torch.zeros(batch, dtype=torch.int64, device="meta")
        return Example((images(batch, 3, (224, 224)), labels))


@published("resnet50")
def resnet50(config: Config) -> nn.Module:
    """ResNet-50 as published."""
    del config  # the name says it all
    return ResidualNetwork()
