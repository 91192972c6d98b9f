"""LLaMA, Mistral and Mixtral: decoders with rotary positions and gated feed-forward networks."""

from __future__ import annotations

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM")
def llama(config: Config) -> nn.Module:
    """LLaMA, Mistral or Mixtral as published."""
    hidden, heads = config_size(config, "hidden_size"), config_size(config, "num_attention_heads")
    return Decoder(
        LanguageFacts(
            vocabulary=config_size(config, "vocab_size"),
            layers=config_size(config, "num_hidden_layers"),
            tied=False,
            sequence=config_size(config, "max_position_embeddings", 4096),
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=config_size(config, "num_key_value_heads", heads),
                head_size=hidden // heads,
                inner=config_size(config, "intermediate_size"),
                norm="rmsnorm",
                qkv_bias=False,
                out_bias=False,
                ffn_bias=False,
                gated=True,
                activation="silu",
                rotary=hidden // heads,
                experts=config_size(config, "num_local_experts", 0),
                experts_per_token=config_size(config, "num_experts_per_tok", 0),
            ),
        )
    )
