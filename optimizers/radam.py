"""RAdam: Adam with a rectified second moment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from optimizers.rule import (
    UpdateRule,
    decayed_gradient,
    descend_,
    descend_by_quotient_,
    like,
    one_minus_power,
)
from optimizers.validation import at_least_zero, betas, checks, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


# The second moment is trusted once its approximated degrees of freedom exceed this.
LEAST_DEGREES = 5.0


class RAdam(UpdateRule):
    """RAdam: Adam that uses its second moment only once its variance is bounded.

    With g the gradient, η the rate, (β1, β2) `betas`, t the step::

        g ← g + weight_decay · p
        m ← β1·m + (1 − β1)·g
        v ← β2·v + (1 − β2)·g²
        ρ∞ = 2/(1 − β2) − 1;  ρ = ρ∞ − 2t·β2^t/(1 − β2^t)
        u = m/(1 − β1^t)
        u ← u · √( (ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ) ) · √(1 − β2^t)/(√v + eps)    if ρ > 5
        p ← p − η·u

    ==========  ======  =======  =======
    state       shape   dtype    initial
    ==========  ======  =======  =======
    exp_avg     like p  like p   0
    exp_avg_sq  like p  like p   0
    step        ()      float32  0
    ==========  ======  =======  =======

    Scalars are float32. The choice at ρ = 5 is made by `where` on scalars, never by a branch.

    Equal to `torch.optim.RAdam` for equal eps (torch's default is 1e-8).

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: L2 strength of at least 0.

    Raises:
        ArgumentError: a value outside its range.

    Source: Liu et al., arXiv:1908.03265; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.RAdam([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data  # a step of plain momentum: the second moment is not known well enough yet
        tensor([ 0.9950, -2.0400])
    """

    ranges = checks(lr=rate, betas=betas, eps=at_least_zero, weight_decay=at_least_zero)

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay},
            enable_global_step=True,
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg", "exp_avg_sq"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:  # noqa: ARG002  # the same for every group
        """Two running means."""
        return {"exp_avg": like(p), "exp_avg_sq": like(p)}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        beta1, beta2 = group["betas"]
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        step = self.increment_global_step(p)
        grad = decayed_gradient(p, grad, group["weight_decay"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        rate = group["lr"] / one_minus_power(beta1, step)
        longest = 2 / (1 - beta2) - 1
        if longest <= LEAST_DEGREES:  # β2 is a constant: ρ < ρ∞ never exceeds the threshold
            descend_(p, exp_avg, rate)
            return
        # β2^t/(1 − β2^t) = 1/(β2^−t − 1), without the cancellation of the first form.
        degrees = longest - (2 * step) / torch.expm1(step * -math.log(beta2))
        trusted = degrees > LEAST_DEGREES
        rectified = (degrees - 4) * (degrees - 2) / degrees
        rectified.mul_(longest / ((longest - 4) * (longest - 2)))
        rectified.mul_(one_minus_power(beta2, step)).sqrt_()
        # √v + eps where the second moment is trusted, else 1; both factors are 0-dim.
        floor = torch.where(trusted, group["eps"], 1.0)
        denominator = exp_avg_sq.sqrt().mul_(trusted).add_(floor)
        rate = torch.where(trusted, rectified, 1.0).mul_(rate)
        descend_by_quotient_(p, exp_avg, denominator, rate)
