"""The transformer block that the ``model`` section of a Model Zoo run config describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wse_emulator.configs.section import Section
from wse_emulator.models.block import Activation, BlockFacts, Norm

ACTIVATIONS: Final[Mapping[str, tuple[Activation, bool]]] = {
    "gelu": ("gelu", False),
    "relu": ("relu", False),
    "silu": ("silu", False),
    "swiglu": ("silu", True),
    "geglu": ("gelu", True),
    "reglu": ("relu", True),
}
"""Name in a config -> (nonlinearity, whether there is a gate)."""

NORMS: Final[Mapping[str, Norm]] = {
    "layernorm": "layernorm",
    "rmsnorm": "rmsnorm",
    "biasless-layernorm": "rmsnorm",  # one weight a channel
}


def block_of(settings: Section, *, parallel: bool = False, nonlinearity: str = "") -> BlockFacts:
    """The block that a ``model`` section describes.

    Args:
        parallel: attention and feed-forward read the same norm.
        nonlinearity: the key that names it; ``nonlinearity`` by default.

    Raises:
        ConfigError: a size is missing or impossible; names the key.
    """
    hidden, heads = settings.size("hidden_size"), settings.size("num_heads")
    extra = settings.section("extra_attention_params")
    word = settings.choice(nonlinearity or "nonlinearity", "gelu", ACTIVATIONS)
    activation, gated = ACTIVATIONS[word]
    if hidden % heads:
        raise settings.refused(f"hidden_size {hidden} is no multiple of num_heads {heads}")
    rotary = settings.get("position_embedding_type", "learned") == "rotary"
    dropout = settings.get("dropout_rate", 0.0)
    moe = settings.section("moe_params")
    return BlockFacts(
        hidden=hidden,
        heads=heads,
        key_value_heads=extra.size("num_kv_groups", heads),
        head_size=hidden // heads,
        inner=settings.size("filter_size", 4 * hidden),
        norm=NORMS[settings.choice("norm_type", "layernorm", NORMS)],
        norm_first=settings.get("norm_first", True),
        parallel=parallel,
        qkv_bias=settings.get("use_projection_bias_in_attention", True),
        out_bias=settings.get("use_ffn_bias_in_attention", True),
        ffn_bias=settings.get("use_ffn_bias", True),
        gated=gated,
        activation=activation,
        experts=moe.get("num_experts", 0),
        experts_per_token=moe.get("top_k", 2),
        rotary=settings.size("rotary_dim", hidden // heads) if rotary else 0,
        layer_scale=settings.has("layerscale_value"),
        dropout=settings.get("residual_dropout_rate", dropout),
        attention_dropout=settings.get("attention_dropout_rate", dropout),
    )
