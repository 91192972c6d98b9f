"""Optimizers as a user writes them, each in a file of its own: legal, illegal and broken ones."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

import optimizers


class SignMomentum(torch.optim.Optimizer):
    """m = beta m + (1 - beta) g; p -= lr sign(m)."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float = 0.1, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["momentum"] = torch.zeros_like(p)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for group in self.param_groups:
            for p in group["params"]:
                momentum = self.state[p]["momentum"]
                momentum.mul_(group["beta"]).add_(p.grad, alpha=1 - group["beta"])
                p.sub_(momentum.sign() * group["lr"])


class ByList(SignMomentum):
    """The same with ops on lists of tensors."""

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for group in self.param_groups:
            parameters = group["params"]
            momenta = [self.state[p]["momentum"] for p in parameters]
            gradients = [p.grad for p in parameters]
            torch._foreach_mul_(momenta, group["beta"])
            torch._foreach_add_(momenta, gradients, alpha=1 - group["beta"])
            steps = torch._foreach_sign(momenta)
            torch._foreach_mul_(steps, group["lr"])
            torch._foreach_sub_(parameters, steps)


class Reading(SignMomentum):
    """Reads a norm in Python."""

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            if p.grad.norm().item() > 1:  # the line that the error names
                p.sub_(p.grad)


class LateChange(SignMomentum):
    """Issues other ops from its tenth step on."""

    def __init__(self, params: Iterable[nn.Parameter]) -> None:
        super().__init__(params)
        self.steps = 0

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        super().step()
        self.steps += 1
        if self.steps == 10:
            self.param_groups[0]["params"][0].mul_(0.5)


class Lazy(SignMomentum):
    """Makes its state in the step."""

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            self.state[p].setdefault("late", torch.zeros_like(p)).add_(p.grad)


class Raising(SignMomentum):
    """Raises in its step, over two lines."""

    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        raise KeyError("no\nkey")


class Picky(SignMomentum):
    """Needs arguments, and refuses some."""

    def __init__(self, params: Iterable[nn.Parameter], rank: int, lr: float) -> None:
        if rank < 1:
            raise ValueError(f"rank is {rank}, which is too low")
        super().__init__(params, lr)


class WithoutRate(torch.optim.Optimizer):
    """p -= g, at no rate."""

    def __init__(self, params: Iterable[nn.Parameter]) -> None:
        super().__init__(params, {})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        for p in self.param_groups[0]["params"]:
            p.sub_(p.grad)


class MatricesOnly(SignMomentum):
    """Steps the matrices of what it is given, and nothing else."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float = 0.1) -> None:
        super().__init__([p for p in params if p.ndim == 2], lr)


class OwnAdamW(optimizers.AdamW):
    """AdamW by another name."""


class NoOptimizer:
    """Not what it should be."""


def two_groups(model: nn.Module, lr: float = 0.1) -> torch.optim.Optimizer:
    """Matrices with a momentum of their own."""
    named = dict(model.named_parameters())
    return SignMomentum(
        [
            {"params": [p for name, p in named.items() if name.endswith("weight")], "beta": 0.5},
            {"params": [p for name, p in named.items() if name.endswith("bias")]},
        ],
        lr=lr,
    )


def default_beta(params: Iterable[nn.Parameter], *, lr: float = 0.1) -> torch.optim.Optimizer:
    """A function of parameters."""
    return SignMomentum(params, lr)


def number(params: Iterable[nn.Parameter]) -> int:
    """Returns no optimizer."""
    return len(list(params))


def nothing_taken() -> torch.optim.Optimizer:
    """Takes no parameters."""
    return SignMomentum([nn.Parameter(torch.zeros(2))])


def elsewhere(params: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Builds on a tensor of its own."""
    return SignMomentum([nn.Parameter(torch.zeros(2))])


def model() -> nn.Module:
    """Two layers."""
    return nn.Sequential(nn.Linear(12, 10), nn.Linear(10, 12))
