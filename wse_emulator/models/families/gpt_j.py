"""GPT-J: a decoder whose attention and feed-forward network read the same norm."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("GPTJForCausalLM")
def gpt_j(config: Config) -> nn.Module:
    """GPT-J as published."""
    hidden, heads = config_size(config, "n_embd"), config_size(config, "n_head")
    return Decoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "n_layer"),
            tied=False,
            head_bias=True,
            sequence=config_size(config, "n_positions", 2048),
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=4 * hidden,
                parallel=True,
                qkv_bias=False,
                out_bias=False,
                rotary=config_size(config, "rotary_dim"),
            ),
        )
    )
