"""T5: a decoder that attends to an encoder, with learned relative positions."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BlockFacts, TransformerBlock, make_norm
from wse_emulator.models.family import Example
from wse_emulator.models.language import (
    Embedding,
    Head,
    LanguageFacts,
    LanguageModel,
    checked_length,
    token_loss,
    tokens,
)
from wse_emulator.models.registry import Config, config_size, configured, published
from wse_emulator.models.zoo_block import ACTIVATIONS, NORMS


class T5Stack(nn.Module):
    """A stack of blocks with a learned bias by relative position, and a norm at the end."""

    def __init__(self, facts: LanguageFacts, block: BlockFacts, layers: int) -> None:
        super().__init__()
        self.buckets = facts.relative_buckets
        if self.buckets:
            self.relative = nn.Embedding(self.buckets, block.heads)
        self.layers = nn.ModuleList(TransformerBlock(block) for _ in range(layers))
        self.norm = make_norm(block.norm, block.hidden)
        self.dropout = block.dropout

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Run all blocks; (batch, tokens, hidden) in and out."""
        bias = None
        if self.buckets:
            length = x.shape[1]
            places = torch.zeros(length, length, dtype=torch.int64, device=x.device)
            bias = self.relative(places).permute(2, 0, 1).unsqueeze(0)
        for layer in self.layers:
            x = layer(x, memory, bias)
        return functional.dropout(self.norm(x), self.dropout, self.training)


class EncoderDecoder(LanguageModel):
    """An encoder and a decoder that attends to it."""

    has_target = True

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__(facts)
        self.embedding = Embedding(facts)
        self.encoder = T5Stack(facts, facts.block, facts.layers)
        crossing = replace(facts.block, causal=True, cross=True)
        self.decoder = T5Stack(facts, crossing, facts.decoder_layers)
        self.head = Head(facts, self.embedding.tokens)

    def forward(self, source: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """The loss of predicting the target from the source."""
        memory = self.encoder(self.embedding(source))
        x = self.decoder(self.embedding(target), memory)
        return token_loss(self.head(x), labels)

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:
        """Source and target token ids and labels, on the meta device."""
        length = checked_length(self.facts, sequence)
        made = target or length
        ids = tokens(batch, length), tokens(batch, made), tokens(batch, made)
        return Example(ids, sequence=length)

    def resized(self, *, layers: int | None = None, block: BlockFacts | None = None) -> nn.Module:
        """The same model with another number of blocks in both stacks, or with other blocks."""
        facts = replace(self.facts, block=block or self.block)
        if layers is not None:
            facts = replace(facts, layers=layers, decoder_layers=layers)
        return EncoderDecoder(facts)


@published("T5ForConditionalGeneration")
def t5(config: Config) -> nn.Module:
    """T5 as published."""
    heads = config_size(config, "num_heads")
    return EncoderDecoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "num_layers"),
            decoder_layers=config_size(config, "num_decoder_layers"),
            relative_buckets=32,
            sequence=512,
            block=BlockFacts(
                hidden=config_size(config, "d_model"),
                heads=heads,
                key_value_heads=heads,
                head_size=config_size(config, "d_kv"),
                inner=config_size(config, "d_ff"),
                norm="rmsnorm",
                qkv_bias=False,
                out_bias=False,
                ffn_bias=False,
                activation="relu",
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )


def _has_two_stacks(settings: Section, _name: str | None) -> bool:
    return settings.has("encoder_num_hidden_layers") or settings.has("d_kv")


@configured(_has_two_stacks, place=30)
def configured_encoder_decoder(settings: Section, _name: str | None) -> nn.Module:
    """The encoder-decoder that a run config describes."""
    heads = settings.size("num_heads")
    layers = settings.layers("encoder_num_hidden_layers", 6)
    word = settings.choice("encoder_nonlinearity", "relu", ACTIVATIONS)
    activation, gated = ACTIVATIONS[word]
    vocabulary = settings.size("src_vocab_size") + settings.get("extra_ids", 0)
    bias = settings.get("use_projection_bias_in_attention", False)
    dropout = settings.get("dropout_rate", 0.1)
    relative = settings.get("position_embedding_type", "relative") == "relative"
    return EncoderDecoder(
        LanguageFacts(
            vocabulary=vocabulary,
            layers=layers,
            decoder_layers=settings.layers("decoder_num_hidden_layers", layers),
            relative_buckets=settings.size("relative_attention_num_buckets", 32) if relative else 0,
            tied=settings.get("share_embedding_weights", True),
            sequence=settings.size("src_max_position_embeddings", 512),
            block=BlockFacts(
                hidden=settings.size("d_model"),
                heads=heads,
                key_value_heads=heads,
                head_size=settings.size("d_kv"),
                inner=settings.size("d_ff"),
                norm=NORMS[settings.choice("norm_type", "rmsnorm", NORMS)],
                qkv_bias=bias,
                out_bias=bias,
                ffn_bias=settings.get("use_ffn_bias", False),
                gated=gated,
                activation=activation,
                dropout=dropout,
                attention_dropout=settings.get("attention_dropout_rate", dropout),
            ),
        )
    )
