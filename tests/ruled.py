"""A user's optimizer whose update is one rule, for tests of single ops."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

Rule = Callable[[torch.Tensor], torch.Tensor]


class Ruled(torch.optim.Optimizer):
    """``p -= lr * rule(gradient)``."""

    def __init__(self, params: Iterable[torch.Tensor], rule: Rule, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})
        self.rule = rule

    @torch.no_grad()
    def step(self, _: None = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(self.rule(p.grad), alpha=-group["lr"])
