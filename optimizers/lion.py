"""Lion: the sign of a momentum, an addition to the reference release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizers.rule import UpdateRule, descend_, like, shrink_
from optimizers.validation import at_least_zero, betas, checks, rate

if TYPE_CHECKING:
    import torch

    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class Lion(UpdateRule):
    """Lion: steps of equal length in every element, by the sign of an interpolated momentum.

    With g the gradient, η the rate, (β1, β2) `betas`::

        p ← p·(1 − η·weight_decay)
        p ← p − η·sign(β1·m + (1 − β1)·g)
        m ← β2·m + (1 − β2)·g

    =======  ======  ======  =======
    state    shape   dtype   initial
    =======  ======  ======  =======
    exp_avg  like p  like p  0
    =======  ======  ======  =======

    Not part of the reference API 1.8.0; later releases of the reference package have it with this
    signature. `torch.optim` has no class of this name.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: weights of the interpolation and of the running mean, each in [0, 1).
        weight_decay: decoupled decay of at least 0, multiplied by the rate.

    Raises:
        ArgumentError: a value outside its range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Lion([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data  # every element moves by the rate
        tensor([ 0.9900, -2.0100])
    """

    decouples_weight_decay = True

    ranges = checks(lr=rate, betas=betas, weight_decay=at_least_zero)

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.0001,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:  # noqa: ARG002  # the same for every group
        """The running mean of the gradient."""
        return {"exp_avg": like(p)}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        beta1, beta2 = group["betas"]
        exp_avg = state["exp_avg"]
        shrink_(p, group["lr"], group["weight_decay"])
        descend_(p, exp_avg.lerp(grad, 1 - beta1).sign_(), group["lr"])
        exp_avg.lerp_(grad, 1 - beta2)
