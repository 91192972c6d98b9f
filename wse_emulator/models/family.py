"""What every model of this package can do: make its inputs, and build itself in another size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Final

from torch import nn

from wse_emulator.models.block_facts import BlockFacts


@dataclass(frozen=True, slots=True)
class Example:
    """The arguments of one forward pass.

    Attributes:
        arguments, keywords: by position and by name.
        sequence: tokens of each sample; None for a model that takes no tokens.
        positions: tokens that the model has positions for; None where it names no number.
    """

    arguments: tuple[object, ...] = ()
    keywords: dict[str, object] = field(default_factory=dict)
    sequence: int | None = None
    positions: int | None = None


DEFAULT_LENGTH: Final = 2_048
"""Tokens of each sample where none are asked for, of a model that takes as many."""


class Family(nn.Module, ABC):
    """A model that knows its own inputs; its ``forward`` returns the loss.

    Attributes:
        has_target: whether it takes a second sequence of its own length (an encoder-decoder).
        configured_names: (part of a parameter's name here, the same in the Model Zoo), in the
            order in which they are replaced. The patterns of a run config are written for those.
    """

    has_target: ClassVar[bool] = False
    configured_names: ClassVar[tuple[tuple[str, str], ...]] = ()

    @abstractmethod
    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:
        """Make the arguments of ``forward``, on the meta device.

        Args:
            batch: number of samples.
            sequence: tokens of each sample; None for the model's own length.
            target: tokens of the second sequence of each sample; None for as many.

        Raises:
            InputError: the model has fewer positions.
        """


class ResizableFamily(Family):
    """A model of equal transformer blocks, which can be built deeper and wider."""

    @property
    @abstractmethod
    def block(self) -> BlockFacts:
        """The sizes of its blocks."""

    @property
    @abstractmethod
    def depth(self) -> int | None:
        """The blocks of each stack; None where the stacks differ."""

    @abstractmethod
    def resized(self, *, layers: int | None = None, block: BlockFacts | None = None) -> nn.Module:
        """Build the same model with another number of blocks, or with other blocks.

        Args:
            layers: blocks of each stack; None for as many as it has.
            block: sizes of a block; None for its own.
        """
