"""OPT: a decoder with ReLU."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, published, size


@published("OPTForCausalLM")
def opt(config: Config) -> nn.Module:
    """OPT as published."""
    hidden, heads = size(config, "hidden_size"), size(config, "num_attention_heads")
    return Decoder(
        LanguageFacts(
            vocabulary=size(config, "vocab_size"),
            layers=size(config, "num_hidden_layers"),
            positions=2050,  # 2,048 and two that the published embedding keeps unused
            sequence=2048,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=size(config, "ffn_dim"),
                activation="relu",
                dropout=0.1,
            ),
        )
    )
