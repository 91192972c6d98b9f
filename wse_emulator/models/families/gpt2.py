"""GPT-2 and Cerebras-GPT: decoders with learned positions."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("GPT2LMHeadModel")
def gpt2(config: Config) -> nn.Module:
    """GPT-2 or Cerebras-GPT as published."""
    hidden, heads = config_size(config, "n_embd"), config_size(config, "n_head")
    positions = config_size(config, "n_positions", 1024)
    return Decoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "n_layer"),
            positions=positions,
            sequence=positions,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=config_size(config, "n_inner", 4 * hidden),
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )
