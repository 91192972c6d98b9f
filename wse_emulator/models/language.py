"""Parts of language models, and the decoder that most families are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.errors import InputError
from wse_emulator.models.block import BlockFacts, TransformerBlock, make_norm
from wse_emulator.models.family import Example, ResizableFamily


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFacts:
    """The sizes of a language model, and which parts it has.

    Attributes:
        vocabulary: rows of the embedding.
        layers: number of blocks; in an encoder-decoder, of the encoder.
        block: sizes of a block.
        positions: rows of a learned position embedding; 0 for none.
        tied: the output layer uses the embedding's weights.
        head_bias: the output layer has a bias.
        embedding_norm: a norm after the embedding.
        segments: rows of a segment embedding (BERT); 0 for none.
        pooler: a dense layer on the first token (BERT).
        classes: outputs of a classifier on the pooled token; 0 for none.
        masked_head: a dense layer and a norm before the output layer (BERT).
        relative_buckets: rows of a learned relative-position bias (T5); 0 for none.
        decoder_layers: blocks of the decoder of an encoder-decoder.
        sequence: tokens of each sample where none are asked for.
    """

    vocabulary: int
    layers: int
    block: BlockFacts
    positions: int = 0
    tied: bool = True
    head_bias: bool = False
    embedding_norm: bool = False
    segments: int = 0
    pooler: bool = False
    classes: int = 0
    masked_head: bool = False
    relative_buckets: int = 0
    decoder_layers: int = 0
    sequence: int = 1024


def token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy over all tokens."""
    return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())


def checked_length(facts: LanguageFacts, sequence: int | None) -> int:
    """The tokens of each sample: the length asked for, or the model's own.

    Raises:
        InputError: the model has fewer positions.
    """
    length = sequence or facts.sequence
    if facts.positions and length > facts.positions:
        raise InputError(
            f"sequence length {length} exceeds the {facts.positions} positions of the model"
        )
    return length


def tokens(batch: int, sequence: int) -> Tensor:
    """Token ids of shape (batch, sequence), on the meta device."""
    return torch.zeros(batch, sequence, dtype=torch.int64, device="meta")


class Embedding(nn.Module):
    """The sum of the embeddings of tokens, positions and segments, with a norm if there is one."""

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__()
        width = facts.block.hidden
        self.tokens = nn.Embedding(facts.vocabulary, width)
        self.positions = nn.Embedding(facts.positions, width) if facts.positions else None
        self.segments = nn.Embedding(facts.segments, width) if facts.segments else None
        self.norm = make_norm(facts.block.norm, width) if facts.embedding_norm else None
        self.dropout = facts.block.dropout

    def forward(self, ids: Tensor) -> Tensor:
        """Embed token ids; (batch, tokens) in, (batch, tokens, hidden) out."""
        x: Tensor = self.tokens(ids)
        places = torch.arange(ids.shape[1], device=ids.device)
        if self.positions is not None:
            x = x + self.positions(places)
        if self.segments is not None:
            x = x + self.segments(torch.zeros_like(ids))
        if self.norm is not None:
            x = self.norm(x)
        return functional.dropout(x, self.dropout, self.training)


class Head(nn.Module):
    """The output layer, which scores every word of the vocabulary."""

    def __init__(self, facts: LanguageFacts, embedding: nn.Embedding) -> None:
        super().__init__()
        width = facts.block.hidden
        if facts.masked_head:
            self.dense = nn.Linear(width, width)
            self.norm = make_norm(facts.block.norm, width)
        self.masked = facts.masked_head
        self.out = nn.Linear(width, facts.vocabulary, bias=facts.head_bias)
        if facts.tied:
            self.out.weight = embedding.weight

    def forward(self, x: Tensor) -> Tensor:
        """Score the vocabulary; (batch, tokens, hidden) in, (batch, tokens, vocabulary) out."""
        if self.masked:
            x = self.norm(functional.gelu(self.dense(x)))
        logits: Tensor = self.out(x)
        return logits


class LanguageModel(ResizableFamily):
    """A language model, built from its facts alone."""

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__()
        self.facts = facts

    @property
    def block(self) -> BlockFacts:
        """The sizes of its blocks."""
        return self.facts.block

    def resized(self, *, layers: int | None = None, block: BlockFacts | None = None) -> nn.Module:
        """The same model with another number of blocks, or with other blocks."""
        return type(self)(
            replace(self.facts, layers=layers or self.facts.layers, block=block or self.block)
        )


class Decoder(LanguageModel):
    """A decoder, as GPT and LLaMA are: it predicts the next token."""

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__(facts)
        self.embedding = Embedding(facts)
        block = replace(facts.block, causal=True)
        self.layers = nn.ModuleList(TransformerBlock(block) for _ in range(facts.layers))
        self.norm = make_norm(facts.block.norm, facts.block.hidden)
        self.head = Head(facts, self.embedding.tokens)

    def forward(self, ids: Tensor, labels: Tensor) -> Tensor:
        """The loss of predicting the next token."""
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x)
        return token_loss(self.head(self.norm(x)), labels)

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - no second sequence
        """Token ids and labels, on the meta device."""
        length = checked_length(self.facts, sequence)
        return Example((tokens(batch, length), tokens(batch, length)), sequence=length)
