"""A transformer block: attention, norms and residual sums around a feed-forward network."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.models.block_facts import SOFTCAP, BlockFacts, make_norm
from wse_emulator.models.feed_forward import Experts, FeedForward

BLOCK_NAMES: Final = (
    (".attention.query.", ".self_attn.proj_q_dense_layer."),
    (".attention.key.", ".self_attn.proj_k_dense_layer."),
    (".attention.value.", ".self_attn.proj_v_dense_layer."),
    (".attention.out.", ".self_attn.proj_output_dense_layer."),
    (".attention.query_norm.", ".self_attn.q_norm."),
    (".attention.key_norm.", ".self_attn.k_norm."),
    (".attention_norm.", ".norm1."),
    (".attention_norm_after.", ".norm1_post."),
    (".ffn_norm.", ".norm3."),
    (".ffn_norm_after.", ".norm3_post."),
    (".ffn.up.", ".ffn.ffn.0.linear_layer."),
    (".ffn.gate.", ".ffn.ffn.0.linear_layer_for_glu."),
    (".ffn.down.", ".ffn.ffn.1.linear_layer."),
)
"""Parts of a parameter's name in a block, and the same in the Model Zoo."""


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
        if facts.query_key_norm is not None:
            self.query_norm = make_norm(facts.query_key_norm, facts.head_size)
            self.key_norm = make_norm(facts.query_key_norm, facts.head_size)

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
        if facts.query_key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        if facts.rotary:
            query, key = _rotate(query, facts.rotary), _rotate(key, facts.rotary)
        group = facts.heads // facts.key_value_heads
        if group > 1:
            key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        scores = (query * facts.head_size**-0.5) @ key.transpose(-1, -2)
        if facts.softcap:
            scores = (scores / SOFTCAP).tanh() * SOFTCAP
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
        if not facts.parallel or facts.untied:
            self.ffn_norm = make_norm(facts.norm, facts.hidden)
        self.ffn: nn.Module = Experts(facts) if facts.experts else FeedForward(facts)
        if facts.sandwich:
            self.attention_norm_after = make_norm(facts.norm, facts.hidden)
            self.ffn_norm_after = make_norm(facts.norm, facts.hidden)
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
            return both + self._drop(self.ffn(self.ffn_norm(x) if self.facts.untied else read))
        if not self.facts.norm_first:
            x = self._normed(self.attention_norm, x + self._drop(self.attention(x, bias=bias)))
            if self.facts.cross:
                x = self._normed(self.cross_norm, x + self._drop(self.cross(x, memory)))
            return self._normed(self.ffn_norm, x + self._drop(self.ffn(x)))
        mixed = self.attention(self.attention_norm(x), bias=bias)
        if self.facts.sandwich:
            mixed = self.attention_norm_after(mixed)
        mixed = self._drop(mixed)
        x = x + self._skip(mixed * self.attention_scale if self.facts.layer_scale else mixed)
        if self.facts.cross:
            x = x + self._drop(self.cross(self.cross_norm(x), memory))
        mixed = self.ffn(self.ffn_norm(x))
        if self.facts.sandwich:
            mixed = self.ffn_norm_after(mixed)
        mixed = self._drop(mixed)
        return x + self._skip(mixed * self.ffn_scale if self.facts.layer_scale else mixed)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.facts.dropout, self.training)

    def _skip(self, x: Tensor) -> Tensor:
        """Stochastic depth: a branch counts for some samples of a batch only."""
        if not self.facts.path_dropout or not self.training:
            return x
        kept = x.new_empty(x.shape[0], 1, 1).bernoulli_(1 - self.facts.path_dropout)
        return x * kept

    def _normed(self, norm: nn.Module, x: Tensor) -> Tensor:
        normed: Tensor = norm(x)
        return normed
