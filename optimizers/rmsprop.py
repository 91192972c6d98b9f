"""RMSprop: rates from a running mean of squared gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, decayed_gradient, descend_, descend_by_quotient_, like
from optimizers.validation import at_least_zero, checks, flag, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class RMSprop(UpdateRule):
    """RMSprop, optionally centered and with momentum.

    With g the gradient, η the rate, α `alpha`, μ `momentum`::

        g ← g + weight_decay · p
        s ← α·s + (1 − α)·g²
        d = √s + eps;   centered: a ← α·a + (1 − α)·g,  d = √(s − a²) + eps
        b ← μ·b + g/d,  p ← p − η·b    if μ > 0
        p ← p − η·g/d                  otherwise

    ===============  ======  ======  =======
    state            shape   dtype   initial
    ===============  ======  ======  =======
    square_avg       like p  like p  0
    momentum_buffer  like p  like p  0, only with momentum
    grad_avg         like p  like p  0, only if centered
    ===============  ======  ======  =======

    Equal to `torch.optim.RMSprop`, which counts steps besides and uses none of the count; as there,
    rounding that makes s − a² negative gives NaN.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        alpha: decay rate of the running means, at least 0.
        eps: at least 0.
        weight_decay: L2 strength of at least 0.
        momentum: at least 0.
        centered: divide by the standard deviation instead of the root mean square.

    Raises:
        ArgumentError: a value outside its range.

    Source: Hinton, Coursera "Neural Networks for Machine Learning", lecture 6; Graves,
    arXiv:1308.0850 (centered); signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.RMSprop([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9000, -2.1000])
    """

    ranges = checks(
        lr=rate,
        alpha=at_least_zero,
        eps=at_least_zero,
        weight_decay=at_least_zero,
        momentum=at_least_zero,
        centered=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-08,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
            },
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["square_avg", "momentum_buffer", "grad_avg"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """The mean square; the momentum and the mean where they are used."""
        layout = {"square_avg": like(p)}
        if group["momentum"] != 0:
            layout["momentum_buffer"] = like(p)
        if group["centered"]:
            layout["grad_avg"] = like(p)
        return layout

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        alpha, square_avg = group["alpha"], state["square_avg"]
        grad = decayed_gradient(p, grad, group["weight_decay"])
        square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            grad_avg = state["grad_avg"].lerp_(grad, 1 - alpha)
            direction = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
        else:
            direction = square_avg.sqrt()
        direction.add_(group["eps"])
        if group["momentum"] != 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).addcdiv_(grad, direction)
            descend_(p, buffer, group["lr"])
        else:
            descend_by_quotient_(p, grad, direction, group["lr"])
