"""Rprop: resilient backpropagation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, like
from optimizers.validation import checks, finite_number, pair_of, rate, rate_value

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class Rprop(UpdateRule):
    """Rprop: each element's step grows while the gradient keeps its sign and shrinks when it turns.

    With g the gradient, (η−, η+) `etas`, (low, high) `step_sizes`::

        c = g·g_before
        s ← clamp(s·f, low, high)   with f = η+ if c > 0, η− if c < 0, else 1
        g ← 0 where c < 0
        p ← p − sign(g)·s;  g_before ← g

    =========  ======  ======  =======
    state      shape   dtype   initial
    =========  ======  ======  =======
    prev       like p  like p  0 (this is g_before)
    step_size  like p  like p  lr
    =========  ======  ======  =======

    `lr` is the initial step size; a schedule has no effect. Equal to `torch.optim.Rprop`.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: initial step size of at least 0, a float or a 0-dim tensor.
        etas: factors by which a step shrinks and grows.
        step_sizes: smallest and largest step.

    Raises:
        ArgumentError: a value outside its range.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm", ICNN 1993; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Rprop([p], lr=0.01)
        >>> for _ in range(2):
        ...     optimizer.step()
        >>> optimizer.state[p]["step_size"]  # grows while the gradient keeps its sign
        tensor([0.0120, 0.0120])
    """

    ranges = checks(lr=rate, etas=pair_of(finite_number), step_sizes=pair_of(finite_number))

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-06, 50.0),
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes})

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["prev", "step_size"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """The gradient of the step before, and each element's step."""
        return {"prev": like(p), "step_size": like(p, rate_value(group["lr"]))}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        shrink, grow = group["etas"]
        low, high = group["step_sizes"]
        prev, step_size = state["prev"], state["step_size"]
        factor = grad.mul(prev)
        turned, kept = factor < 0, factor > 0
        factor.fill_(1.0).masked_fill_(turned, shrink).masked_fill_(kept, grow)
        step_size.mul_(factor).clamp_(low, high)
        prev.copy_(grad).masked_fill_(turned, 0.0)
        torch.sign(prev, out=factor)
        p.addcmul_(factor, step_size, value=-1)
