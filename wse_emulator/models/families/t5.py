"""T5: a decoder that attends to an encoder, with learned relative positions."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import TransformerBlock
from wse_emulator.models.block_facts import BlockFacts, make_norm
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
from wse_emulator.models.zoo_block import ACTIVATIONS, key_value_heads, norm_of


class T5Stack(nn.Module):
    """A stack of blocks with a bias by relative position, and a norm at the end."""

    def __init__(self, facts: LanguageFacts, block: BlockFacts, layers: int) -> None:
        super().__init__()
        self.relative = PositionBias(facts)
        self.layers = nn.ModuleList(TransformerBlock(block) for _ in range(layers))
        self.norm = make_norm(block.norm, block.hidden)
        self.dropout = block.dropout if facts.final_dropout else 0.0

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Run all blocks; (batch, tokens, hidden) in and out."""
        bias = self.relative(x)
        for layer in self.layers:
            x = layer(x, memory, bias)
        return functional.dropout(self.norm(x), self.dropout, self.training)


class EncoderDecoder(LanguageModel):
    """An encoder and a decoder that attends to it."""

    has_target = True
    configured_names = (
        ("encoder.layers.", "transformer_encoder.layers."),
        ("decoder.layers.", "transformer_decoder.layers."),
        ("embedding.", "encoder_embeddings."),
        ("target_embedding.", "decoder_embeddings."),
        *LanguageModel.configured_names,
    )

    def __init__(self, facts: LanguageFacts) -> None:
        super().__init__(facts)
        self.embedding = Embedding(facts)
        self.target_embedding = Embedding(_of_decoder(facts)) if facts.decoder_vocabulary else None
        self.encoder = T5Stack(facts, facts.block, facts.layers)
        crossing = replace(facts.block, causal=True, cross=True)
        self.decoder = T5Stack(facts, crossing, facts.decoder_layers)
        shared = self.target_embedding or self.embedding
        self.head = Head(_of_decoder(facts), shared.tokens)

    def forward(self, source: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """The loss of predicting the target from the source."""
        memory = self.encoder(self.embedding(source))
        x = self.decoder((self.target_embedding or self.embedding)(target), memory)
        return token_loss(self.head(x), labels)

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:
        """Source and target token ids and labels, on the meta device."""
        length = checked_length(self.facts, sequence)
        made = target or length
        ids = tokens(batch, length), tokens(batch, made), tokens(batch, made)
        return Example(ids, sequence=length, positions=self.facts.sequence)

    @property
    def depth(self) -> int | None:
        """The blocks of each stack; None where the stacks differ."""
        return self.facts.layers if self.facts.decoder_layers == self.facts.layers else None

    def resized(self, *, layers: int | None = None, block: BlockFacts | None = None) -> nn.Module:
        """The same model with another number of blocks in both stacks, or with other blocks."""
        facts = replace(self.facts, block=block or self.block)
        if layers is not None:
            facts = replace(facts, layers=layers, decoder_layers=layers)
        return EncoderDecoder(facts)


def _of_decoder(facts: LanguageFacts) -> LanguageFacts:
    """The facts as the decoder's embedding and output layer see them."""
    if not facts.decoder_vocabulary:
        return facts
    return replace(facts, vocabulary=facts.decoder_vocabulary, positions=facts.decoder_positions)


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


def _has_two_stacks(settings: Section) -> bool:
    return settings.has("encoder_num_hidden_layers") or settings.has("d_kv")


_POSITIONS = ("relative", "fixed", "learned_absolute", "rotary", "alibi", "none")
_NAMES = ("t5", "transformer", "T5ForConditionalGeneration")


@configured("encoder-decoder (T5, Transformer)", *_NAMES, when=_has_two_stacks, place=30)
def configured_encoder_decoder(settings: Section, _name: str | None) -> nn.Module:
    """The encoder-decoder that a run config describes."""
    layers = settings.layers("encoder_num_hidden_layers", 6)
    extra = settings.get("extra_ids", 0)
    vocabulary = settings.size("src_vocab_size") + extra
    target = settings.size("tgt_vocab_size", vocabulary - extra) + extra
    kind = settings.choice("position_embedding_type", "relative", _POSITIONS)
    learned = kind == "learned_absolute"
    length = settings.size("src_max_position_embeddings", 512)
    shared = settings.get("share_encoder_decoder_embedding", True)
    if shared and target != vocabulary:
        raise settings.refused(
            f"src_vocab_size {vocabulary} and tgt_vocab_size {target} differ, and the stacks "
            "share an embedding; set share_encoder_decoder_embedding to false"
        )
    dropout = settings.get("dropout_rate", 0.1)
    before = settings.get("use_pre_encoder_decoder_dropout", False)
    rotary = settings.size("rotary_dim", settings.size("d_kv")) if kind == "rotary" else 0
    return EncoderDecoder(
        LanguageFacts(
            vocabulary=vocabulary,
            layers=layers,
            decoder_layers=settings.layers("decoder_num_hidden_layers", layers),
            decoder_vocabulary=0 if shared else target,
            positions=length if learned else 0,
            decoder_positions=(
                settings.size("tgt_max_position_embeddings", length) if learned else 0
            ),
            relative_buckets=(
                settings.size("relative_attention_num_buckets", 32) if kind == "relative" else 0
            ),
            slopes="fixed" if kind == "alibi" else None,
            tied=settings.get("share_embedding_weights", True),
            embedding_dropout=dropout if before else 0.0,
            final_dropout=settings.get("use_dropout_outside_residual_path", True),
            sequence=length,
            block=_block(settings, dropout, rotary),
        )
    )


def _block(settings: Section, dropout: float, rotary: int) -> BlockFacts:
    heads = settings.size("num_heads")
    word = settings.choice("encoder_nonlinearity", "relu", ACTIVATIONS)
    other = settings.choice("decoder_nonlinearity", word, ACTIVATIONS)
    if other != word:
        raise settings.refused(
            f"encoder_nonlinearity {word} and decoder_nonlinearity {other} differ; one is built "
            "for both stacks"
        )
    activation, gated = ACTIVATIONS[word]
    bias = settings.get("use_projection_bias_in_attention", False)
    rms = settings.get("use_t5_layer_norm", True)
    return BlockFacts(
        hidden=settings.size("d_model"),
        heads=heads,
        key_value_heads=key_value_heads(settings, heads),
        head_size=settings.size("d_kv"),
        inner=settings.size("d_ff"),
        norm=norm_of(settings, "rmsnorm" if rms else "layernorm"),
        norm_first=settings.get("use_pre_encoder_decoder_layer_norm", True),
        qkv_bias=bias,
        out_bias=False,
        ffn_bias=settings.get("use_ffn_bias", False) and word != "gelu",
        gated=gated,
        activation=activation,
        rotary=rotary,
        dropout=dropout,
        attention_dropout=settings.get("attention_dropout_rate", dropout),
        ffn_dropout=settings.get("relu_dropout_rate", dropout),
    )
