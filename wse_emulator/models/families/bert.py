"""BERT: an encoder trained on masked tokens and a sentence label, or a classifier."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import TransformerBlock
from wse_emulator.models.block_facts import NONLINEARITIES, BlockFacts, make_norm
from wse_emulator.models.family import Example
from wse_emulator.models.language import (
    Embedding,
    Head,
    LanguageFacts,
    LanguageModel,
    PositionBias,
    checked_length,
    token_loss,
    tokens,
)
from wse_emulator.models.registry import Config, config_size, configured, published
from wse_emulator.models.zoo_block import block_of, buckets_of, positions_of, slopes_of


class Encoder(LanguageModel):
    """An encoder with a head for masked tokens, a classifier, or both."""

    configured_names = (
        ("layers.", "bert_encoder.transformer_encoder.layers."),
        ("embedding.", "bert_encoder.embedding_layer."),
        ("pooler.", "bert_encoder.pooler."),
        (".ffn_norm.", ".norm2."),
        ("classifier.", "bert_cls_head.classifier."),
        ("head.", "bert_mlm_head."),
        *LanguageModel.configured_names,
    )

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__(facts)
        self.embedding = Embedding(facts)
        self.bias = PositionBias(facts)
        self.layers = nn.ModuleList(TransformerBlock(facts.block) for _ in range(facts.layers))
        width = facts.block.hidden
        self.norm = make_norm(facts.block.norm, width) if facts.final_norm else None
        self.pooler = nn.Linear(width, width) if facts.pooler else None
        self.classifier = (
            nn.Linear(width, facts.classes, bias=facts.class_bias) if facts.classes else None
        )
        self.head = Head(facts, self.embedding.tokens) if facts.masked_head else None

    def forward(self, ids: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
        """The loss of predicting masked tokens, and labels of samples or of tokens."""
        x = self.embedding(ids)
        bias = self.bias(x)
        for layer in self.layers:
            x = layer(x, bias=bias)
        if self.norm is not None:
            x = self.norm(x)
        loss: Tensor = x.new_zeros(())
        if self.head is not None:
            loss = loss + token_loss(self.head(x), labels)
        if self.classifier is not None:
            facts = self.facts
            read = x if facts.token_classes else x[:, 0]
            if self.pooler is not None:
                read = NONLINEARITIES[facts.pooler_activation](self.pooler(read))
            read = functional.dropout(read, facts.class_dropout, self.training)
            loss = loss + token_loss(
                self.classifier(read), labels if facts.token_classes else classes
            )
        return loss

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - no second sequence
        """Token ids, their labels and a label for each sample, on the meta device."""
        length = checked_length(self.facts, sequence)
        ids = tokens(batch, length)
        given = ids, tokens(batch, length), tokens(batch, 1).flatten()
        return Example(given, sequence=length, positions=self.facts.sequence)


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
            final_norm=False,
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


_TOKENS = ("bert/token_classifier", "bert/extractive_summarization")
_NAMES = ("bert", "roberta", "BertForPreTraining", "esm2", "bert/classifier")


@configured(
    "encoder (BERT, RoBERTa, ESM-2, and their classifiers)",
    *_NAMES,
    *_TOKENS,
    when=lambda settings: settings.has("encoder_nonlinearity"),
    place=40,
)
def configured_encoder(settings: Section, name: str | None) -> nn.Module:
    """The encoder of a run config: for pre-training, or a classifier of samples or tokens."""
    kind = _kind(settings, name)
    esm = kind == "esm2"
    pretrained = kind in ("bert", "esm2")
    pairs = not pretrained or not settings.get("disable_nsp", False)
    positions = settings.size("max_position_embeddings", 512)
    placed = positions_of(settings)
    block = block_of(settings, nonlinearity="encoder_nonlinearity")
    word = settings.choice("encoder_nonlinearity", "gelu", NONLINEARITIES)
    return Encoder(
        LanguageFacts(
            vocabulary=settings.size("vocab_size"),
            layers=settings.layers("num_hidden_layers"),
            positions=positions if placed == "learned" else 0,
            sequence=positions,
            tied=pretrained and settings.get("share_embedding_weights", True),
            head_bias=pretrained and settings.get("use_output_bias_in_mlm", True),
            embedding_norm=settings.get("embedding_layer_norm", True),
            embedding_dropout=settings.probability("embedding_dropout_rate", block.dropout),
            final_norm=settings.get("use_final_layer_norm", False),
            segments=_segments(settings, pairs=pairs),
            relative_buckets=buckets_of(settings, placed),
            slopes=slopes_of(settings, placed),
            pooler=pairs and kind not in _TOKENS,
            pooler_activation=settings.choice("pooler_nonlinearity", word, NONLINEARITIES),
            head_activation=settings.choice("mlm_nonlinearity", word, NONLINEARITIES),
            classes=_classes(settings, kind) if pairs else 0,
            class_bias=_class_bias(settings, kind),
            token_classes=kind in _TOKENS,
            class_dropout=_class_dropout(settings, kind),
            masked_head=pretrained,
            masked_bias=pretrained and settings.get("use_ffn_bias_in_mlm", True),
            block=replace(block, norm_first=settings.get("norm_first", esm)),
        )
    )


def _kind(settings: Section, name: str | None) -> str:
    """What the encoder is trained for; in release 1 it shows by the keys."""
    if name is not None:
        bare = name.strip().lower().replace("-", "_")
        return "bert" if bare in ("roberta", "bertforpretraining") else bare
    if settings.has("num_labels") or settings.has("num_cls_classes"):
        return "bert/classifier"
    if settings.has("use_cls_bias"):
        return "bert/extractive_summarization"
    if settings.has("label_vocab_file") or settings.has("encoder_output_dropout_rate"):
        return "bert/token_classifier"
    return "esm2" if settings.has("token_dropout") else "bert"


def _segments(settings: Section, *, pairs: bool) -> int:
    if not settings.get("use_segment_embedding", True):
        return 0
    return settings.size("num_segments", 2) if pairs or settings.has("num_segments") else 0


def _classes(settings: Section, kind: str) -> int:
    """Outputs of the classifier."""
    if kind == "bert/token_classifier":
        return settings.size("num_classes")
    if kind == "bert/classifier":
        return settings.size("num_labels", settings.count("num_cls_classes"))
    if kind == "bert/extractive_summarization":
        return settings.size("num_labels", 2)
    return settings.size("num_classes", 2)


def _class_bias(settings: Section, kind: str) -> bool:
    if kind == "bert/extractive_summarization":
        return settings.get("use_cls_bias", True)
    return settings.get("use_ffn_bias", True) if kind in ("bert", "esm2") else True


def _class_dropout(settings: Section, kind: str) -> float:
    keys = {
        "bert/classifier": "task_dropout",
        "bert/token_classifier": "encoder_output_dropout_rate",
    }
    return settings.probability(keys[kind], 0.0) if kind in keys else 0.0
