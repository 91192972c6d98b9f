"""Lamb: Adam's direction, scaled by each tensor's norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, descend_, like
from optimizers.validation import at_least_zero, betas, checks, finite_number, flag, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


# Upper bound of a parameter's norm in the trust ratio, as in the reference implementation.
LARGEST_WEIGHT_NORM = 10.0


class Lamb(UpdateRule):
    """Lamb: Adam's direction, scaled for each tensor by the ratio of two norms.

    With g the gradient, η the rate, (β1, β2) `betas`, norms over the whole tensor::

        m ← β1·m + (1 − β1)·g
        v ← β2·v + (1 − β2)·g²
        u = m/(√v + eps) + weight_decay · p
        w = min(‖p‖, 10);  r = w/‖u‖ if both are above 0, else 1;  r = 1 if adam
        p ← p − η·r·u

    There is no bias correction. The norms are taken in float32, in float64 for float64 parameters.

    ==========  ======  ======  =======
    state       shape   dtype   initial
    ==========  ======  ======  =======
    exp_avg     like p  like p  0
    exp_avg_sq  like p  like p  0
    ==========  ======  ======  =======

    `torch.optim` has no class of this name.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: decay inside the trust ratio (not L2, although documented so).
        adam: use r = 1, for comparison.

    Raises:
        ArgumentError: a value outside its range.

    Source: You et al., arXiv:1904.00962; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> p.grad = torch.tensor([0.5, -0.5])
        >>> optimizer = optimizers.Lamb([p], lr=0.1)
        >>> before = p.detach().clone()
        >>> optimizer.step()
        >>> ((p - before).norm() / before.norm()).data  # the rate, whatever the gradient
        tensor(0.1000)
    """

    ranges = checks(lr=rate, betas=betas, eps=at_least_zero, weight_decay=finite_number, adam=flag)

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0,
        adam: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "adam": adam},
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
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        direction = exp_avg_sq.sqrt().add_(group["eps"])
        torch.div(exp_avg, direction, out=direction)
        if group["weight_decay"] != 0:
            direction.add_(p, alpha=group["weight_decay"])
        if group["adam"]:
            descend_(p, direction, group["lr"])
        else:
            descend_(p, direction, _trust_ratio(p, direction).mul_(group["lr"]))


def _trust_ratio(p: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """min(‖p‖, 10)/‖direction‖, or 1 where either norm is 0; 0-dim."""
    dtype = p.dtype if p.dtype == torch.float64 else torch.float32
    weight = torch.linalg.vector_norm(p, dtype=dtype).clamp_(max=LARGEST_WEIGHT_NORM)
    length = torch.linalg.vector_norm(direction, dtype=dtype)
    return torch.where((weight > 0) & (length > 0), weight / length, 1.0)
