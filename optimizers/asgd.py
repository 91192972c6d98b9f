"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, decayed_gradient, like, scalar
from optimizers.validation import at_least_zero, checks, finite_number, flag, rate, rate_value

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class ASGD(UpdateRule):
    """Averaged stochastic gradient descent.

    With g the gradient (negated by `maximize`), η the rate, t the step, E and μ the values that
    the step before left::

        g  ← g + weight_decay · p
        p  ← p·(1 − lambd·E) − E·g
        ax ← ax + (p − ax)·μ                    (so ax = p while μ = 1)
        E  ← η / (1 + lambd·η·t)^alpha
        μ  ← 1 / max(1, t − t0)

    =====  ======  =======  =======
    state  shape   dtype    initial
    =====  ======  =======  =======
    eta    ()      float32  lr (this is E)
    mu     ()      float32  1
    ax     like p  like p   0
    step   ()      float32  0
    =====  ======  =======  =======

    A schedule's rate acts one step late, because E is the value of the step before.

    Equal to `torch.optim.ASGD`; the two decide μ = 1 by the same arithmetic, here without a branch.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        lambd: decay of at least 0.
        alpha: power of the rate's decay.
        t0: step at which averaging starts, at least 0.
        weight_decay: L2 strength of at least 0.
        maximize: ascend instead of descend.

    Raises:
        ArgumentError: a value outside its range.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J.
    Control and Optimization 30, 1992; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.ASGD([p], lr=0.1, t0=0.0)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9500, -2.4000])
        >>> optimizer.state[p]["ax"]  # the mean of the parameter over all steps
        tensor([ 0.9500, -2.4000])
    """

    ranges = checks(
        lr=rate,
        lambd=at_least_zero,
        alpha=finite_number,
        t0=at_least_zero,
        weight_decay=at_least_zero,
        maximize=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.01,
        lambd: float = 0.0001,
        alpha: float = 0.75,
        t0: float = 1000000.0,
        weight_decay: float = 0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
            enable_global_step=True,
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["ax"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """The rate and weight for the step to come, and the average."""
        return {"eta": scalar(rate_value(group["lr"])), "mu": scalar(1.0), "ax": like(p)}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        step = self.increment_global_step(p)
        eta, mu, average = state["eta"], state["mu"], state["ax"]
        grad = decayed_gradient(p, grad, group["weight_decay"], maximize=group["maximize"])
        if group["lambd"] != 0:
            # 1 − lambd·E is taken in float64 for float64 parameters: in float32 it costs 3e-8.
            wide = eta.to(torch.promote_types(torch.float32, p.dtype))
            p.mul_(torch.rsub(wide, 1, alpha=group["lambd"]))
        p.addcmul_(grad, eta, value=-1)
        average.lerp_(p, mu.to(p.dtype))
        rate = group["lr"]
        torch.mul(step, rate * group["lambd"], out=eta)
        eta.add_(1.0).pow_(-group["alpha"]).mul_(rate)
        torch.sub(step, group["t0"], out=mu).clamp_(min=1.0).reciprocal_()
