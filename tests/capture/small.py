"""A small optimizer whose update is a function: what the tests of the static-state rules judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from wse_emulator.capture.step import judge_steps
from wse_emulator.errors import StaticRuleError

Update = Callable[["Small", Tensor], object]
Prepare = Callable[["Small"], object]


class Small(torch.optim.Optimizer):
    """One state tensor ``m`` a parameter; ``n`` counts the steps in Python; ``mine`` is anything.

    Attributes:
        n: steps so far, this one included.
        ps: the parameters.
        group: the one parameter group.
    """

    def __init__(
        self, params: Any, update: Update, prepare: Prepare | None = None, lr: object = 0.1
    ) -> None:
        super().__init__(params, {"lr": lr})
        self.update, self.n = update, 0
        self.group = self.param_groups[0]
        self.ps: list[Tensor] = self.group["params"]
        self.mine: dict[Any, Any] = {}
        for p in self.ps:
            self.state[p]["m"] = torch.zeros_like(p)
        if prepare is not None:
            prepare(self)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002
        self.n += 1
        for p in self.ps:
            self.update(self, p)

    def m(self, p: Tensor) -> Tensor:
        """The state tensor of a parameter."""
        made: Tensor = self.state[p]["m"]
        return made


def grad(p: Tensor) -> Tensor:
    """The gradient, which the judge gives to every parameter."""
    assert p.grad is not None
    return p.grad


def judged(
    update: Update,
    prepare: Prepare | None = None,
    *,
    steps: int = 4,
    lr: object = 0.1,
    device: str = "cpu",
) -> tuple[StaticRuleError, ...]:
    """Violations of a small optimizer over a 3 x 3 and a 3 tensor."""
    model = nn.Linear(3, 3, device=device)
    optimizer = Small(model.parameters(), update, prepare, lr)
    return judge_steps(optimizer, model=model, steps=steps)[1]
