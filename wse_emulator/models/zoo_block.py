"""The transformer block that the ``model`` section of a Model Zoo run config describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from wse_emulator.configs.section import Section
from wse_emulator.models.block_facts import NONLINEARITIES, BlockFacts, ExpertRoute, Norm

ACTIVATIONS: Final[Mapping[str, tuple[str, bool]]] = {
    **{name: (name, False) for name in NONLINEARITIES},
    "liglu": ("linear", True),
    "swiglu": ("silu", True),
    "geglu": ("gelu", True),
    "reglu": ("relu", True),
}
"""Name in a config -> (nonlinearity, whether there is a gate)."""

NORMS: Final[Mapping[str, Norm]] = {
    "layernorm": "layernorm",
    "rmsnorm": "rmsnorm",
    "biasless-layernorm": "biasless-layernorm",
    "nonparametric-layernorm": "nonparametric-layernorm",
}

POSITIONS: Final = ("learned", "rotary", "alibi", "fixed", "relative", "none")
"""Kinds of positions of a decoder or encoder; ``none`` stands for a key that is null."""

MOST_EXPERTS: Final = 1_024
"""More than any model has a layer; each is built."""

_ATTENTION: Final = ("aiayn_attention", "multiquery_attention")
_ROUTES: Final[Mapping[str, ExpertRoute]] = {
    "learned": "learned",
    "hash": "hash",
    "uniform": "uniform",
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
    word = settings.choice(nonlinearity or "nonlinearity", "gelu", ACTIVATIONS)
    activation, gated = ACTIVATIONS[word]
    wide = settings.size("attention_inner_dim", hidden)
    if wide % heads:
        key = "hidden_size" if wide == hidden else "attention_inner_dim"
        raise settings.refused(f"{key} {wide} is no multiple of num_heads {heads}")
    head = wide // heads
    dropout = settings.probability("dropout_rate", 0.0)
    block = BlockFacts(
        hidden=hidden,
        heads=heads,
        key_value_heads=key_value_heads(settings, heads),
        head_size=head,
        inner=settings.size("filter_size", 4 * hidden),
        norm=norm_of(settings, "layernorm"),
        norm_first=settings.get("norm_first", True),
        sandwich=settings.get("norm_first_sandwich", False),
        parallel=parallel,
        untied=parallel and settings.get("use_untied_layer_norm", False),
        qkv_bias=settings.get("use_projection_bias_in_attention", True),
        out_bias=settings.get("use_ffn_bias_in_attention", True),
        ffn_bias=settings.get("use_ffn_bias", True),
        gated=gated,
        activation=activation,
        query_key_norm=_query_key_norm(settings),
        softcap=settings.positive("attention_logit_softcapping") is not None,
        rotary=_rotary(settings, head),
        layer_scale=settings.has("layerscale_value"),
        dropout=settings.probability("residual_dropout_rate", dropout),
        attention_dropout=settings.probability("attention_dropout_rate", dropout),
    )
    if block.sandwich and (parallel or not block.norm_first):
        raise settings.refused("norm_first_sandwich needs blocks whose norms come first")
    return _with_experts(settings, block)


def norm_of(settings: Section, default: str) -> Norm:
    """The norm that ``norm_type`` names; ``use_rms_norm`` of release 1 stands for ``rmsnorm``."""
    if settings.get("use_rms_norm", False):
        default = "rmsnorm"
    return NORMS[settings.choice("norm_type", default, NORMS)]


def key_value_heads(settings: Section, heads: int) -> int:
    """Heads of keys and values: one a group in multi-query attention, else as many as there are.

    Raises:
        ConfigError: the heads are no multiple of the groups.
    """
    extra = settings.section("extra_attention_params")
    groups = extra.count("num_kv_groups")
    module = settings.choice("attention_module", _ATTENTION[groups is not None], _ATTENTION)
    if module == "aiayn_attention":
        if groups is not None and groups != heads:
            raise settings.refused(
                f"num_kv_groups {groups} belongs to attention_module multiquery_attention, and "
                f"{module} is asked for"
            )
        return heads
    groups = groups or 1
    if heads % groups:
        raise settings.refused(f"num_heads {heads} is no multiple of num_kv_groups {groups}")
    return groups


def _query_key_norm(settings: Section) -> Norm | None:
    if not settings.has("attention_qk_norm_layer"):
        return None
    return NORMS[settings.choice("attention_qk_norm_layer", "layernorm", NORMS)]


def positions_of(settings: Section, default: str = "learned") -> str:
    """The kind of positions, one of :data:`POSITIONS`; a key that is null stands for none."""
    if "position_embedding_type" in settings.entries and not settings.has(
        "position_embedding_type"
    ):
        return "none"
    return settings.choice("position_embedding_type", default, POSITIONS)


def buckets_of(settings: Section, kind: str) -> int:
    """Rows of a learned bias by relative position, of positions of the kind ``relative``."""
    return settings.size("num_relative_attention_buckets", 32) if kind == "relative" else 0


def slopes_of(settings: Section, kind: str) -> Literal["fixed", "learned"] | None:
    """The slopes by which attention is biased, of positions of the kind ``alibi``."""
    if kind != "alibi":
        return None
    return "learned" if settings.get("alibi_trainable_slopes", False) else "fixed"


def _rotary(settings: Section, head: int) -> int:
    if positions_of(settings) != "rotary":
        return 0
    turned = settings.size("rotary_dim", head)
    if turned > head or turned % 2:
        raise settings.refused(
            f"rotary_dim {turned} is no even number up to the {head} dimensions of a head"
        )
    return turned


def _with_experts(settings: Section, block: BlockFacts) -> BlockFacts:
    """The block with the mixture of experts of the section ``moe``, if it has one."""
    moe = settings.section("moe" if settings.has("moe") else "moe_params")
    chosen = moe.whole("num_experts", 0)
    shared = moe.whole("num_shared_experts", 0)
    if chosen + shared > MOST_EXPERTS:
        raise moe.refused(f"num_experts {chosen:,} of at most {MOST_EXPERTS:,} a layer")
    if chosen + shared <= 1:
        return block
    top = moe.size("top_k", 1)
    if top > chosen:
        raise moe.refused(f"top_k {top} of {chosen} experts (num_experts)")
    return replace(
        block,
        experts=chosen,
        experts_per_token=top,
        shared_experts=shared,
        route=_ROUTES[moe.choice("routing_algorithm", "learned", _ROUTES)],
    )
