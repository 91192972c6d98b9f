"""Adamax: Adam under the infinity norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from optimizers.rule import UpdateRule, decayed_gradient, descend_, like, scalar
from optimizers.validation import at_least_zero, betas, checks, flag, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class Adamax(UpdateRule):
    """Adamax: Adam with the infinity norm in place of the second moment.

    With g the gradient (negated by `maximize`), η the rate, (β1, β2) `betas`, B1 the power β1^t::

        g ← g + weight_decay · p
        m ← β1·m + (1 − β1)·g
        n ← max(β2·n, |g| + eps)
        p ← p − η/(1 − B1) · m/n;  then B1 ← B1·β1

    ===========  ======  =======  =======
    state        shape   dtype    initial
    ===========  ======  =======  =======
    exp_avg      like p  like p   0
    exp_inf      like p  like p   0
    beta1_power  ()      float32  β1
    ===========  ======  =======  =======

    Equal to `torch.optim.Adamax` for equal eps (torch's default is 1e-8).

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates, each in [0, 1).
        eps: at least 0.
        weight_decay: L2 strength of at least 0.
        maximize: ascend instead of descend.

    Raises:
        ArgumentError: a value outside its range.

    Source: Kingma and Ba, arXiv:1412.6980, section 7; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Adamax([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9900, -2.0100])
    """

    ranges = checks(
        lr=rate, betas=betas, eps=at_least_zero, weight_decay=at_least_zero, maximize=flag
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg", "exp_inf"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """Running mean and norm, and the power of β1 for the step to come."""
        return {
            "exp_avg": like(p),
            "exp_inf": like(p),
            "beta1_power": scalar(group["betas"][0]),
        }

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        beta1, beta2 = group["betas"]
        exp_avg, norm, power1 = state["exp_avg"], state["exp_inf"], state["beta1_power"]
        grad = decayed_gradient(p, grad, group["weight_decay"], maximize=group["maximize"])
        exp_avg.lerp_(grad, 1 - beta1)
        direction = grad.abs().add_(group["eps"])
        torch.maximum(norm.mul_(beta2), direction, out=norm)
        torch.div(exp_avg, norm, out=direction)
        descend_(p, direction, torch.rsub(power1, 1).reciprocal_().mul_(group["lr"]))
        power1.mul_(beta1)

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:
        """Turn torch's step counter into the power for the step to come."""
        if "step" in saved and "beta1_power" not in saved:
            saved["beta1_power"] = group["betas"][0] ** (float(saved["step"]) + 1)
        return super().adopt_saved_state(saved, group)
