"""Optimizers whose step reaches tensors and numbers by global names, and what those hold."""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn


class Momentum(torch.optim.Optimizer):
    """Legal by itself; a subclass changes :meth:`update`."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})
        self.steps = 0
        for p in self.parameters():
            self.state[p]["momentum"] = torch.zeros_like(p)

    def parameters(self) -> list[torch.Tensor]:
        """All parameters."""
        return [p for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002
        self.steps += 1
        for p in self.parameters():
            if p.grad is not None:
                self.update(p)

    def update(self, p: torch.Tensor) -> None:
        """One parameter's update."""
        assert p.grad is not None
        momentum = self.state[p]["momentum"]
        momentum.mul_(0.9).add_(p.grad)
        p.add_(momentum, alpha=-0.1)


HISTORY: list[torch.Tensor] = [torch.zeros(100), torch.zeros(3)]
TABLE: dict[str, Any] = {"inner": {"rate": torch.zeros(100)}, "count": 0}
OTHER = nn.Linear(20, 20)
COUNT = 0


class WritesInPlace(Momentum):
    """Writes to a global tensor."""

    def update(self, p: torch.Tensor) -> None:  # noqa: ARG002  as the others
        HISTORY[0].add_(1.0)
        TABLE["inner"]["rate"][3:].fill_(2.0)


class Rebinds(Momentum):
    """Puts other tensors and numbers in global places."""

    def update(self, p: torch.Tensor) -> None:
        global COUNT  # noqa: PLW0603  that is what it is for
        COUNT += 1
        assert p.grad is not None
        HISTORY[1] = HISTORY[1] * 0.9 + p.grad.norm()
        HISTORY.append(torch.zeros(2))
        TABLE["count"] += 1
        TABLE["inner"]["new"] = torch.zeros(2)


class OtherModel(Momentum):
    """Changes the weights of another model, by ``.data`` and as an attribute, and its gradient."""

    def update(self, p: torch.Tensor) -> None:  # noqa: ARG002  as the others
        OTHER.weight.data = OTHER.weight.data * 0.9
        OTHER.bias = nn.Parameter(OTHER.bias * 0.9)
        OTHER.weight.grad = torch.ones(20, 20)


class OnTheClass(Momentum):
    """Keeps tensors and numbers as attributes of its class."""

    total = torch.zeros(100)
    count = 0

    def update(self, p: torch.Tensor) -> None:  # noqa: ARG002  as the others
        OnTheClass.total += 1
        OnTheClass.count += 1


RING: deque[torch.Tensor] = deque([torch.zeros(3) for _ in range(3)])
NUMBERS = np.zeros(5)
SETTING: ContextVar[float] = ContextVar("SETTING", default=1.0)


@lru_cache
def constants(count: int) -> torch.Tensor:
    """Made once for all."""
    return torch.full((count,), 0.5)


class Elsewhere(Momentum):
    """Keeps what it has in a deque, an array, a context and a cache."""

    def update(self, p: torch.Tensor) -> None:
        RING.append(RING.popleft() + 1)
        NUMBERS[self.steps % 5] += 1
        SETTING.set(SETTING.get() * 0.5)
        p.sub_(constants(100)[0] * SETTING.get())


KINDS = (WritesInPlace, Rebinds, OtherModel, OnTheClass, Elsewhere)


def everything() -> list[object]:
    """All that these optimizers reach, with its identity."""
    tensors = [*HISTORY, TABLE["inner"]["rate"], OTHER.weight, OTHER.bias, OnTheClass.total]
    held: list[object] = [(id(x), x.data_ptr(), x.tolist()) for x in tensors]
    gradients = [OTHER.weight.grad, OTHER.bias.grad]
    counts = [TABLE["count"], COUNT, OnTheClass.count]
    elsewhere = [[id(x) for x in RING], NUMBERS.tolist(), SETTING.get(), constants(100).is_meta]
    return [*held, gradients, list(TABLE["inner"]), counts, elsewhere]
