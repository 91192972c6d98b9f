"""Adagrad: rates from the sum of squared gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, decayed_gradient, descend_by_quotient_, like
from optimizers.validation import at_least_zero, checks, flag, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class Adagrad(UpdateRule):
    """Adagrad: each element's rate falls with the sum of its squared gradients.

    With g the gradient (negated by `maximize`), η the rate, t the step::

        g ← g + weight_decay · p
        S ← S + g²
        p ← p − η/(1 + (t − 1)·lr_decay) · g/(√S + eps)

    =====  ======  =======  =========================
    state  shape   dtype    initial
    =====  ======  =======  =========================
    sum    like p  like p   initial_accumulator_value
    step   ()      float32  0
    =====  ======  =======  =========================

    Equal to `torch.optim.Adagrad` for equal eps (torch's default is 1e-10; the default here is the
    reference's 1e-6, although its own text says 1e-10).

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        lr_decay: decay of the rate with the step, at least 0.
        weight_decay: L2 strength of at least 0.
        initial_accumulator_value: start of the sum, at least 0.
        eps: at least 0.
        maximize: ascend instead of descend.

    Raises:
        ArgumentError: a value outside its range.

    Source: Duchi, Hazan and Singer, JMLR 12, 2011; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Adagrad([p], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.step()
        >>> p.data
        tensor([ 0.8293, -2.1707])
        >>> optimizer.state[p]["sum"]
        tensor([ 0.5000, 32.0000])
    """

    ranges = checks(
        lr=rate,
        lr_decay=at_least_zero,
        weight_decay=at_least_zero,
        initial_accumulator_value=at_least_zero,
        eps=at_least_zero,
        maximize=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.01,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-06,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
            enable_global_step=True,
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["sum"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """The sum of squared gradients."""
        return {"sum": like(p, group["initial_accumulator_value"])}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        step = self.increment_global_step(p)
        total = state["sum"]
        grad = decayed_gradient(p, grad, group["weight_decay"], maximize=group["maximize"])
        total.addcmul_(grad, grad)
        rate, decay = group["lr"], group["lr_decay"]
        # Without decay the rate is a constant of the graph and needs no scalar arithmetic.
        if decay != 0:
            rate = rate / ((step - 1) * decay).add_(1)
        descend_by_quotient_(p, grad, total.sqrt().add_(group["eps"]), rate)
