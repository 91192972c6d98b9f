"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizers.errors import ArgumentError
from optimizers.rule import StateTensor, UpdateRule, decayed_gradient, descend_, like
from optimizers.validation import at_least_zero, checks, finite_number, flag, rate

if TYPE_CHECKING:
    import torch

    from optimizers.validation import Group, Params, Rate


class SGD(UpdateRule):
    """Stochastic gradient descent with momentum, dampening and Nesterov's look-ahead.

    With g the gradient (negated by `maximize`), η the rate, m `momentum` and d `dampening`::

        g ← g + weight_decay · p
        b ← m·b + (1 − d)·g            if m ≠ 0
        g ← g + m·b  (nesterov)  or  b  if m ≠ 0
        p ← p − η·g

    ===============  =========  ===========  =======
    state            shape      dtype        initial
    ===============  =========  ===========  =======
    momentum_buffer  like p     like p       0, if momentum ≠ 0; otherwise there is no state
    ===============  =========  ===========  =======

    Differs from `torch.optim.SGD`: the buffer starts at zero and exists from construction on, so
    dampening acts on the first step too (torch takes the first gradient undamped). Equal to it
    without dampening.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        momentum: at least 0.
        dampening: any number.
        weight_decay: L2 strength of at least 0.
        nesterov: use the look-ahead; needs momentum above 0 and no dampening.
        maximize: ascend instead of descend.

    Raises:
        ArgumentError: a value outside its range.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.SGD([p], lr=0.1, momentum=0.9)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9500, -2.4000])
        >>> optimizer.step()  # the momentum adds to the same gradient
        >>> p.data
        tensor([ 0.8550, -3.1600])
    """

    ranges = checks(
        lr=rate,
        momentum=at_least_zero,
        dampening=finite_number,
        weight_decay=at_least_zero,
        nesterov=flag,
        maximize=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Raise `ArgumentError` for a value outside its range; nesterov needs plain momentum."""
        super().check_hyperparameters(owner, group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            rule = "False unless momentum is above 0 and dampening is 0"
            raise ArgumentError(owner, "nesterov", True, rule)

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["momentum_buffer"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """A momentum buffer, if there is momentum."""
        return {"momentum_buffer": like(p)} if group["momentum"] != 0 else {}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        grad = decayed_gradient(p, grad, group["weight_decay"], maximize=group["maximize"])
        momentum = group["momentum"]
        if momentum != 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        descend_(p, grad, group["lr"])
