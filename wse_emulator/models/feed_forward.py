"""The feed-forward network of a transformer block, and mixtures of several of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.models.block_facts import NONLINEARITIES, BlockFacts


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
        activate = NONLINEARITIES[self.facts.activation]
        inner = activate(self.gate(x)) * self.up(x) if self.facts.gated else activate(self.up(x))
        inner = functional.dropout(inner, self.facts.ffn_dropout, self.training)
        mixed: Tensor = self.down(inner)
        return mixed


class Experts(nn.Module):
    """A mixture of experts whose tokens are spread evenly: each expert takes an equal share.

    Shared experts see every token. Only a learned route has a router; the others choose by the
    token's number or its place.
    """

    def __init__(self, facts: BlockFacts) -> None:
        super().__init__()
        self.facts = facts
        self.router = (
            nn.Linear(facts.hidden, facts.experts, bias=False) if facts.route == "learned" else None
        )
        self.experts = nn.ModuleList(FeedForward(facts) for _ in range(facts.experts))
        self.shared = nn.ModuleList(FeedForward(facts) for _ in range(facts.shared_experts))

    def forward(self, x: Tensor) -> Tensor:
        """Send each token to its experts; (batch, tokens, hidden) in and out."""
        tokens = x.flatten(0, -2)
        if self.router is None:
            weights = tokens.new_ones(tokens.shape[0], self.facts.experts_per_token)
            chosen = torch.zeros(weights.shape, dtype=torch.int64, device=tokens.device)
        else:
            scores = self.router(tokens).softmax(-1)
            weights, chosen = scores.topk(self.facts.experts_per_token, -1)
        share = -(-tokens.shape[0] * self.facts.experts_per_token // self.facts.experts)
        mixed = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            places = chosen.flatten()[:share]
            amount = weights.flatten()[:share].unsqueeze(-1)
            mixed = mixed.index_add(0, places + number, expert(tokens[places]) * amount)
        for expert in self.shared:
            mixed = mixed + expert(tokens)
        shaped: Tensor = mixed.unflatten(0, x.shape[:-1])
        return shaped
