"""BERT: an encoder trained on masked tokens and a sentence label, or a classifier."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BlockFacts, TransformerBlock
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
from wse_emulator.models.zoo_block import block_of


class Encoder(LanguageModel):
    """An encoder with a head for masked tokens, a classifier, or both."""

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__(facts)
        self.embedding = Embedding(facts)
        self.layers = nn.ModuleList(TransformerBlock(facts.block) for _ in range(facts.layers))
        width = facts.block.hidden
        self.pooler = nn.Linear(width, width) if facts.pooler else None
        self.classifier = nn.Linear(width, facts.classes) if facts.classes else None
        self.head = Head(facts, self.embedding.tokens) if facts.masked_head else None

    def forward(self, ids: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
        """The loss of predicting masked tokens and sample labels."""
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x)
        loss: Tensor = x.new_zeros(())
        if self.head is not None:
            loss = loss + token_loss(self.head(x), labels)
        if self.classifier is not None:
            pooled = x[:, 0] if self.pooler is None else self.pooler(x[:, 0]).tanh()
            loss = loss + functional.cross_entropy(self.classifier(pooled), classes)
        return loss

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - no second sequence
        """Token ids, their labels and a label for each sample, on the meta device."""
        length = checked_length(self.facts, sequence)
        ids = tokens(batch, length)
        return Example((ids, tokens(batch, length), tokens(batch, 1).flatten()), sequence=length)


@published("BertForPreTraining")
def bert(config: Config) -> nn.Module:
    """BERT as published, for pre-training."""
    hidden, heads = config_size(config, "hidden_size"), config_size(config, "num_attention_heads")
    return Encoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "num_hidden_layers"),
            positions=config_size(config, "max_position_embeddings", 512),
            sequence=512,
            head_bias=True,
            embedding_norm=True,
            segments=2,
            pooler=True,
            classes=2,
            masked_head=True,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=config_size(config, "intermediate_size"),
                norm_first=False,
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )


def _is_bert(settings: Section, name: str | None) -> bool:
    named = (name or "").startswith(("bert", "roberta"))
    return settings.has("encoder_nonlinearity") or named


@configured(_is_bert, place=40)
def configured_encoder(settings: Section, _name: str | None) -> nn.Module:
    """BERT of a run config: with ``num_labels`` a classifier, else for pre-training."""
    classes = settings.get("num_labels", 0)
    positions = settings.size("max_position_embeddings", 512)
    block = block_of(settings, nonlinearity="encoder_nonlinearity")
    return Encoder(
        LanguageFacts(
            vocabulary=settings.size("vocab_size"),
            layers=settings.layers("num_hidden_layers"),
            positions=positions,
            sequence=positions,
            tied=settings.get("share_embedding_weights", True),
            head_bias=True,
            embedding_norm=True,
            segments=2,
            pooler=True,
            classes=classes or 2,
            masked_head=not classes,
            block=replace(block, norm_first=settings.get("norm_first", False)),
        )
    )
