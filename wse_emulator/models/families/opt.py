"""OPT: a decoder with ReLU."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("OPTForCausalLM")
def opt(config: Config) -> nn.Module:
    """OPT as published."""
    hidden, heads = config_size(config, "hidden_size"), config_size(config, "num_attention_heads")
    return Decoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "num_hidden_layers"),
            positions=2050,  # 2,048 and two that the published embedding keeps unused
            sequence=2048,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=config_size(config, "ffn_dim"),
                activation="relu",
                dropout=0.1,
            ),
        )
    )
