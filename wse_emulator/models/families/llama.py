"""LLaMA, Mistral, Mixtral, Qwen, Gemma and Phi-3: decoders with rotary positions and gated
feed-forward networks."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from wse_emulator.models.block_facts import BlockFacts
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import Config, config_size, published


@published("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "Phi3ForCausalLM")
def llama(config: Config) -> nn.Module:
    """LLaMA, Mistral, Mixtral or Phi-3 as published."""
    return Decoder(_facts(config))


@published("Qwen2ForCausalLM")
def qwen2(config: Config) -> nn.Module:
    """Qwen 2 or 2.5 as published: queries, keys and values have a bias."""
    facts = _facts(config)
    return Decoder(replace(facts, block=replace(facts.block, qkv_bias=True)))


@published("Qwen3ForCausalLM")
def qwen3(config: Config) -> nn.Module:
    """Qwen 3 as published: queries and keys have a norm a head."""
    facts = _facts(config)
    return Decoder(replace(facts, block=replace(facts.block, query_key_norm="rmsnorm")))


@published("GemmaForCausalLM")
def gemma(config: Config) -> nn.Module:
    """Gemma as published: its gate is a GELU."""
    facts = _facts(config)
    return Decoder(replace(facts, block=replace(facts.block, activation="gelu_new")))


@published("Gemma2ForCausalLM")
def gemma2(config: Config) -> nn.Module:
    """Gemma 2 as published: norms before and after each branch, capped scores and outputs."""
    facts = _facts(config)
    block = replace(facts.block, activation="gelu_new", sandwich=True, softcap=True)
    return Decoder(replace(facts, block=block, softcap=True))


def _facts(config: Config) -> LanguageFacts:
    hidden, heads = config_size(config, "hidden_size"), config_size(config, "num_attention_heads")
    head = config_size(config, "head_dim", hidden // heads)
    return LanguageFacts(
        vocabulary=config_size(config, "vocab_size"),
        layers=config_size(config, "num_hidden_layers"),
        tied=config.get("tie_word_embeddings") is True,
        sequence=config_size(config, "max_position_embeddings", 4096),
        block=BlockFacts(
            hidden=hidden,
            heads=heads,
            key_value_heads=config_size(config, "num_key_value_heads", heads),
            head_size=head,
            inner=config_size(config, "intermediate_size"),
            norm="rmsnorm",
            qkv_bias=False,
            out_bias=False,
            ffn_bias=False,
            gated=True,
            activation="silu",
            rotary=head,
            experts=config_size(config, "num_local_experts", 0),
            experts_per_token=config_size(config, "num_experts_per_tok", 0),
        ),
    )
