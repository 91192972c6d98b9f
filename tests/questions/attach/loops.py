"""Training loops for the tests of ``attach``: each is run plain and attached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import wse_emulator
from wse_emulator import Emulation

WAFER = "wse2:4x4"


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def backward(model: nn.Module, step: int) -> torch.Tensor:
    x = torch.linspace(-1, 1, 12).reshape(4, 3) * (step + 1)
    loss = model(x).pow(2).mean()
    loss.backward()
    assert isinstance(loss, torch.Tensor)
    return loss


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: range,
    scheduler: object = None,
) -> None:
    """Steps of a plain loop: the numbers of ``steps`` choose the data."""
    for step in steps:
        optimizer.zero_grad()
        backward(model, step)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Loop:
    """A loop that has run, attached or plain."""

    model: nn.Module
    emulation: Emulation | None


def attached(
    optimizer: torch.optim.Optimizer, scheduler: object = None, model: nn.Module | None = None
) -> Emulation:
    return wse_emulator.attach(
        optimizer,
        scheduler,  # type: ignore[arg-type]
        wafer=WAFER,
        model=model,
    )


def both(run: Callable[[bool], Loop]) -> Emulation:
    """Run a loop plain and attached; their weights are the same bit for bit."""
    plain, emulated = run(False), run(True)
    for a, b in zip(plain.model.parameters(), emulated.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert emulated.emulation is not None
    return emulated.emulation


class Momentum(torch.optim.Optimizer):
    """A legal optimizer of a user, on torch's base class; ``extra`` is called in step ``at``."""

    def __init__(
        self,
        parameters: object,
        extra: Callable[[Momentum, nn.Parameter], object] | None = None,
        at: int = 0,
    ) -> None:
        super().__init__(parameters, {"lr": 0.1, "decay": 0.01})  # type: ignore[arg-type]
        self.extra, self.at, self.steps = extra, at, 0
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["momentum"] = torch.zeros_like(p)

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.steps += 1
        first = self.param_groups[0]["params"][0]
        if self.extra is not None and self.steps == self.at:
            self.extra(self, first)
        for group in self.param_groups:
            for p in group["params"]:
                momentum = self.state[p]["momentum"].mul_(0.9).add_(p.grad)
                p.sub_(p, alpha=group["lr"] * group["decay"])
                p.add_(momentum, alpha=-group["lr"])
        return loss
