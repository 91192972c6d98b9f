"""Phi: a decoder whose attention and feed-forward network read the same norm."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("PhiForCausalLM")
def phi(config: Config) -> nn.Module:
    """Phi-1, 1.5 or 2 as published: part of each head is rotated."""
    hidden, heads = config_size(config, "hidden_size"), config_size(config, "num_attention_heads")
    turned = config.get("partial_rotary_factor", 0.5)
    assert isinstance(turned, float)
    return Decoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "num_hidden_layers"),
            tied=False,
            head_bias=True,
            sequence=config_size(config, "max_position_embeddings", 2048),
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=config_size(config, "num_key_value_heads", heads),
                head_size=hidden // heads,
                inner=config_size(config, "intermediate_size"),
                parallel=True,
                activation="gelu_new",
                rotary=int(hidden // heads * turned),
            ),
        )
    )
