"""A transformer block: attention, feed-forward, norms, residual sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["layernorm", "rmsnorm"]
Activation = Literal["gelu", "relu", "silu"]


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
        parallel: attention and feed-forward read the same norm and are summed together.
        qkv_bias, out_bias, ffn_bias: which linear layers have a bias.
        gated: the feed-forward network multiplies by a gate (SwiGLU, GEGLU).
        experts, experts_per_token: mixture of experts; 0 experts for none.
        rotary: dimensions of a head that are rotated by position; 0 for none.
        layer_scale: each branch is multiplied by a learned factor for each channel.
        causal: tokens attend to earlier tokens only.
        cross: the block also attends to the output of an encoder.
        dropout, attention_dropout: probabilities; with 0 no mask is kept for backward.
    """

    hidden: int
    heads: int
    key_value_heads: int
    head_size: int
    inner: int
    norm: Norm = "layernorm"
    norm_first: bool = True
    parallel: bool = False
    qkv_bias: bool = True
    out_bias: bool = True
    ffn_bias: bool = True
    gated: bool = False
    activation: Activation = "gelu"
    experts: int = 0
    experts_per_token: int = 0
    rotary: int = 0
    layer_scale: bool = False
    causal: bool = False
    cross: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0


def make_norm(kind: Norm, width: int) -> nn.Module:
    """Make a norm over the last dimension."""
    return nn.LayerNorm(width) if kind == "layernorm" else nn.RMSNorm(width)


def activate(kind: Activation, x: Tensor) -> Tensor:
    """Apply the nonlinearity of a feed-forward network."""
    if kind == "gelu":
        return functional.gelu(x)
    return functional.relu(x) if kind == "relu" else functional.silu(x)


class Attention(nn.Module):
    """Attention that computes scores, softmax and weighted sum as three operations."""

    def __init__(self, facts: BlockFacts, *, causal: bool) -> None:
        super().__init__()
        self.facts = facts
        self.causal = causal
        wide = facts.heads * facts.head_size
        narrow = facts.key_value_heads * facts.head_size
        self.query = nn.Linear(facts.hidden, wide, bias=facts.qkv_bias)
        self.key = nn.Linear(facts.hidden, narrow, bias=facts.qkv_bias)
        self.value = nn.Linear(facts.hidden, narrow, bias=facts.qkv_bias)
        self.out = nn.Linear(wide, facts.hidden, bias=facts.out_bias)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """Attend to ``memory`` if it is given, else to ``x``; (batch, tokens, hidden) in and
        out."""
        facts = self.facts
        source = x if memory is None else memory
        query = self._heads(self.query(x), facts.heads)
        key = self._heads(self.key(source), facts.key_value_heads)
        value = self._heads(self.value(source), facts.key_value_heads)
        if facts.rotary:
            query, key = _rotate(query, facts.rotary), _rotate(key, facts.rotary)
        group = facts.heads // facts.key_value_heads
        if group > 1:
            key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        scores = (query * facts.head_size**-0.5) @ key.transpose(-1, -2)
        if bias is not None:
            scores = scores + bias
        if self.causal:
            scores = scores + _causal_mask(scores)
        weights = functional.dropout(scores.softmax(-1), facts.attention_dropout, self.training)
        mixed: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return mixed

    def _heads(self, x: Tensor, heads: int) -> Tensor:
        heads_first: Tensor = x.unflatten(-1, (heads, self.facts.head_size)).transpose(1, 2)
        return heads_first


def _causal_mask(scores: Tensor) -> Tensor:
    """What is added to the scores: 0 for earlier tokens, minus infinity for later ones."""
    return torch.full(
        scores.shape[-2:], float("-inf"), dtype=scores.dtype, device=scores.device
    ).triu(1)


def _rotate(x: Tensor, dimensions: int) -> Tensor:
    """Rotate the first ``dimensions`` of each head by position."""
    turned, rest = x[..., :dimensions], x[..., dimensions:]
    angles = torch.ones(x.shape[-2], dimensions, dtype=x.dtype, device=x.device)
    first, second = turned.chunk(2, -1)
    turned = turned * angles + torch.cat((-second, first), -1) * angles
    return turned if rest.shape[-1] == 0 else torch.cat((turned, rest), -1)


class FeedForward(nn.Module):
    """Two linear layers with a nonlinearity, optionally gated."""

    def __init__(self, facts: BlockFacts) -> None:
        super().__init__()
        self.facts = facts
        self.up = nn.Linear(facts.hidden, facts.inner, bias=facts.ffn_bias)
        if facts.gated:
            self.gate = nn.Linear(facts.hidden, facts.inner, bias=facts.ffn_bias)
        self.down = nn.Linear(facts.inner, facts.hidden, bias=facts.ffn_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the network to each token; (..., hidden) in and out."""
        inner = (
            activate(self.facts.activation, self.gate(x)) * self.up(x)
            if self.facts.gated
            else activate(self.facts.activation, self.up(x))
        )
        mixed: Tensor = self.down(inner)
        return mixed


class Experts(nn.Module):
    """A mixture of experts whose tokens are spread evenly: each expert takes an equal share."""

    def __init__(self, facts: BlockFacts) -> None:
        super().__init__()
        self.facts = facts
        self.router = nn.Linear(facts.hidden, facts.experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(facts) for _ in range(facts.experts))

    def forward(self, x: Tensor) -> Tensor:
        """Send each token to its experts; (batch, tokens, hidden) in and out."""
        tokens = x.flatten(0, -2)
        weights, chosen = self.router(tokens).softmax(-1).topk(self.facts.experts_per_token, -1)
        share = -(-tokens.shape[0] * self.facts.experts_per_token // self.facts.experts)
        mixed = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            places = chosen.flatten()[:share]
            amount = weights.flatten()[:share].unsqueeze(-1)
            mixed = mixed.index_add(0, places + number, expert(tokens[places]) * amount)
        shaped: Tensor = mixed.unflatten(0, x.shape[:-1])
        return shaped


class TransformerBlock(nn.Module):
    """Attention, optional cross-attention and feed-forward on a residual stream."""

    def __init__(self, facts: BlockFacts) -> None:
        super().__init__()
        self.facts = facts
        self.attention_norm = make_norm(facts.norm, facts.hidden)
        self.attention = Attention(facts, causal=facts.causal)
        if facts.cross:
            self.cross_norm = make_norm(facts.norm, facts.hidden)
            self.cross = Attention(facts, causal=False)
        if not facts.parallel:
            self.ffn_norm = make_norm(facts.norm, facts.hidden)
        self.ffn: nn.Module = Experts(facts) if facts.experts else FeedForward(facts)
        if facts.layer_scale:
            self.attention_scale = nn.Parameter(torch.empty(facts.hidden))
            self.ffn_scale = nn.Parameter(torch.empty(facts.hidden))

    def forward(
        self, x: Tensor, memory: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """Add attention and feed-forward network to ``x``; (batch, tokens, hidden) in and out."""
        if self.facts.parallel:
            read = self.attention_norm(x)
            both: Tensor = x + self._drop(self.attention(read, bias=bias))
            return both + self._drop(self.ffn(read))
        if not self.facts.norm_first:
            x = self._normed(self.attention_norm, x + self._drop(self.attention(x, bias=bias)))
            return self._normed(self.ffn_norm, x + self._drop(self.ffn(x)))
        mixed = self._drop(self.attention(self.attention_norm(x), bias=bias))
        x = x + (mixed * self.attention_scale if self.facts.layer_scale else mixed)
        if self.facts.cross:
            x = x + self._drop(self.cross(self.cross_norm(x), memory))
        mixed = self._drop(self.ffn(self.ffn_norm(x)))
        return x + (mixed * self.ffn_scale if self.facts.layer_scale else mixed)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.facts.dropout, self.training)

    def _normed(self, norm: nn.Module, x: Tensor) -> Tensor:
        normed: Tensor = norm(x)
        return normed
