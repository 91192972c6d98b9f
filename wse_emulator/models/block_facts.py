"""What a transformer block is made of: its sizes, its norms and its nonlinearity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["layernorm", "rmsnorm", "biasless-layernorm", "nonparametric-layernorm"]
ExpertRoute = Literal["learned", "hash", "uniform"]

NONLINEARITIES: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_fast": lambda x: functional.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * (1.702 * x).sigmoid(),
    "squared_gelu": lambda x: functional.gelu(x).square(),
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "squared_relu": lambda x: functional.relu(x).square(),
    "silu": functional.silu,
    "swish": functional.silu,
    "mish": functional.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda x: x,
}
"""Name -> what a feed-forward network applies between its two layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """The sizes of a transformer block, and which parts it has.

    Attributes:
        hidden: width of the residual stream.
        heads, key_value_heads, head_size: of attention. If there are fewer key-value heads than
            heads, several heads share one.
        inner: width of the feed-forward network.
        norm: which norm it uses.
        norm_first: the norms come before attention and feed-forward network; else after the sums.
        sandwich: each branch has a second norm before it joins the residual stream (Gemma 2).
        parallel: attention and feed-forward are summed together, and read the same norm.
        untied: of a parallel block, the feed-forward network reads a norm of its own (GPT-NeoX).
        qkv_bias, out_bias, ffn_bias: which linear layers have a bias.
        gated: the feed-forward network multiplies by a gate (SwiGLU, GEGLU).
        activation: a name of ``NONLINEARITIES``.
        experts, experts_per_token: mixture of experts; 0 experts for none.
        shared_experts: experts that see every token, beside those that are chosen.
        route: how experts are chosen; only ``learned`` has parameters.
        query_key_norm: norm of each head's queries and keys; None for none.
        softcap: a tanh bounds the attention scores (Gemma 2).
        rotary: dimensions of a head that are rotated by position; 0 for none.
        layer_scale: each branch is multiplied by a learned factor for each channel.
        causal: tokens attend to earlier tokens only.
        cross: the block also attends to the output of an encoder.
        dropout, attention_dropout, ffn_dropout: probabilities; with 0 no mask is kept for backward.
        path_dropout: probability that a sample skips a branch (stochastic depth).
    """

    hidden: int
    heads: int
    key_value_heads: int
    head_size: int
    inner: int
    norm: Norm = "layernorm"
    norm_first: bool = True
    sandwich: bool = False
    parallel: bool = False
    untied: bool = False
    qkv_bias: bool = True
    out_bias: bool = True
    ffn_bias: bool = True
    gated: bool = False
    activation: str = "gelu"
    experts: int = 0
    experts_per_token: int = 0
    shared_experts: int = 0
    route: ExpertRoute = "learned"
    query_key_norm: Norm | None = None
    softcap: bool = False
    rotary: int = 0
    layer_scale: bool = False
    causal: bool = False
    cross: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0
    ffn_dropout: float = 0.0
    path_dropout: float = 0.0


def make_norm(kind: Norm, width: int) -> nn.Module:
    """Make a norm over the last dimension."""
    if kind == "rmsnorm":
        return nn.RMSNorm(width)
    affine = kind != "nonparametric-layernorm"
    return nn.LayerNorm(width, elementwise_affine=affine, bias=kind == "layernorm")


SOFTCAP: Final = 50.0
"""Bound of capped scores and logits; its value decides no size."""
