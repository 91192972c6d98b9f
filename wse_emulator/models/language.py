"""Parts of language models, and the decoder that most families are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.errors import InputError
from wse_emulator.models.block import BLOCK_NAMES, TransformerBlock
from wse_emulator.models.block_facts import NONLINEARITIES, SOFTCAP, BlockFacts, make_norm
from wse_emulator.models.family import DEFAULT_LENGTH, Example, ResizableFamily

Slopes = Literal["fixed", "learned"]


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
        embedding_dropout: probability of dropout after the embedding; None for that of the blocks.
        final_norm: a norm after the last block.
        final_dropout: dropout after that norm (T5).
        softcap: a tanh bounds the outputs (Gemma 2).
        segments: rows of a segment embedding (BERT); 0 for none.
        pooler: a dense layer on the first token (BERT).
        pooler_activation, head_activation: nonlinearity of the pooler, and of the masked head.
        classes: outputs of a classifier on the pooled token; 0 for none.
        class_bias: that classifier has a bias.
        token_classes: the classifier reads every token instead of the pooled one.
        class_dropout: probability of dropout before the classifier.
        masked_head: a dense layer and a norm before the output layer (BERT).
        masked_bias: that dense layer has a bias.
        relative_buckets: rows of a learned relative-position bias (T5); 0 for none.
        slopes: attention is biased by distance (ALiBi); ``learned`` for slopes that are trained.
        decoder_layers: blocks of the decoder of an encoder-decoder.
        decoder_vocabulary: rows of the decoder's own embedding; 0 where both stacks share one.
        decoder_positions: rows of the decoder's learned position embedding; 0 for none.
        sequence: tokens of each sample where none are asked for.
    """

    vocabulary: int
    layers: int
    block: BlockFacts
    positions: int = 0
    tied: bool = True
    head_bias: bool = False
    embedding_norm: bool = False
    embedding_dropout: float | None = None
    final_norm: bool = True
    final_dropout: bool = True
    softcap: bool = False
    segments: int = 0
    pooler: bool = False
    pooler_activation: str = "tanh"
    head_activation: str = "gelu"
    classes: int = 0
    class_bias: bool = True
    token_classes: bool = False
    class_dropout: float = 0.0
    masked_head: bool = False
    masked_bias: bool = True
    relative_buckets: int = 0
    slopes: Slopes | None = None
    decoder_layers: int = 0
    decoder_vocabulary: int = 0
    decoder_positions: int = 0
    sequence: int = 1024


def token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy over all tokens."""
    return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())


def checked_length(facts: LanguageFacts, sequence: int | None) -> int:
    """The tokens of each sample: the length asked for, or the model's own up to 2,048.

    Raises:
        InputError: the model has fewer positions.
    """
    length = sequence or min(facts.sequence, DEFAULT_LENGTH)
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
        dropout = facts.embedding_dropout
        self.dropout = facts.block.dropout if dropout is None else dropout

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
            self.dense = nn.Linear(width, width, bias=facts.masked_bias)
            self.norm = make_norm(facts.block.norm, width)
        self.facts = facts
        self.masked = facts.masked_head
        self.out = nn.Linear(width, facts.vocabulary, bias=facts.head_bias)
        if facts.tied:
            self.out.weight = embedding.weight

    def forward(self, x: Tensor) -> Tensor:
        """Score the vocabulary; (batch, tokens, hidden) in, (batch, tokens, vocabulary) out."""
        if self.masked:
            x = self.norm(NONLINEARITIES[self.facts.head_activation](self.dense(x)))
        logits: Tensor = self.out(x)
        return (logits / SOFTCAP).tanh() * SOFTCAP if self.facts.softcap else logits


class PositionBias(nn.Module):
    """What attention scores gain by the distance of two tokens: learned for buckets of distances
    (T5), or a slope a head (ALiBi)."""

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__()
        heads = facts.block.heads
        self.heads = heads
        buckets = facts.relative_buckets
        self.buckets = nn.Embedding(buckets, heads) if buckets else None
        self.fixed = facts.slopes == "fixed"
        self.slopes = nn.Parameter(torch.empty(heads, 1)) if facts.slopes == "learned" else None

    def forward(self, x: Tensor) -> Tensor | None:
        """The bias of shape (1, heads, tokens, tokens) for (batch, tokens, hidden); None without
        one."""
        length = x.shape[1]
        if self.buckets is not None:
            places = torch.zeros(length, length, dtype=torch.int64, device=x.device)
            learned: Tensor = self.buckets(places).permute(2, 0, 1).unsqueeze(0)
            return learned
        if self.slopes is not None:
            return self.slopes.unsqueeze(-1) * x.new_zeros(length, length)
        return x.new_zeros(1, self.heads, length, length) if self.fixed else None


class LanguageModel(ResizableFamily):
    """A language model, built from its facts alone."""

    configured_names: ClassVar[tuple[tuple[str, str], ...]] = (
        ("embedding.tokens.", "embedding_layer.word_embeddings."),
        ("embedding.positions.", "embedding_layer.position_embeddings.embed."),
        ("embedding.segments.", "embedding_layer.segment_embeddings."),
        ("embedding.norm.", "embedding_ln_f."),
        ("head.out.", "lm_head."),
        ("layers.", "transformer_decoder.layers."),
        *BLOCK_NAMES,
    )

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__()
        self.facts = facts

    @property
    def block(self) -> BlockFacts:
        """The sizes of its blocks."""
        return self.facts.block

    @property
    def depth(self) -> int | None:
        """The blocks of each stack."""
        return self.facts.layers

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
        self.bias = PositionBias(facts)
        self.layers = nn.ModuleList(TransformerBlock(block) for _ in range(facts.layers))
        self.norm = make_norm(facts.block.norm, facts.block.hidden)
        self.head = Head(facts, self.embedding.tokens)

    def forward(self, ids: Tensor, labels: Tensor) -> Tensor:
        """The loss of predicting the next token."""
        x = self.embedding(ids)
        bias = self.bias(x)
        for layer in self.layers:
            x = layer(x, bias=bias)
        return token_loss(self.head(self.norm(x)), labels)

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - no second sequence
        """Token ids and labels, on the meta device."""
        length = checked_length(self.facts, sequence)
        ids = tokens(batch, length), tokens(batch, length)
        return Example(ids, sequence=length, positions=self.facts.sequence)
