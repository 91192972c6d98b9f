"""Adadelta: rates from the ratio of two running means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizers.rule import UpdateRule, decayed_gradient, descend_, like
from optimizers.validation import at_least_zero, checks, flag, fraction, rate

if TYPE_CHECKING:
    import torch

    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class Adadelta(UpdateRule):
    """Adadelta: each element's rate is the ratio of past updates to past gradients.

    With g the gradient (negated by `maximize`), η the rate, ρ `rho`::

        g ← g + weight_decay · p
        s ← ρ·s + (1 − ρ)·g²
        d = √(a + eps) / √(s + eps) · g
        a ← ρ·a + (1 − ρ)·d²
        p ← p − η·d

    ==========  ======  ======  =======
    state       shape   dtype   initial
    ==========  ======  ======  =======
    square_avg  like p  like p  0 (this is s)
    acc_delta   like p  like p  0 (this is a)
    ==========  ======  ======  =======

    Equal to `torch.optim.Adadelta`, which counts steps besides and uses none of the count. The two
    roots are taken apart, not of the quotient: the quotient leaves the range of float16.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        rho: decay rate of the running means, in [0, 1].
        eps: at least 0. 1e-6 is representable in float16 only as a subnormal number.
        weight_decay: L2 strength of at least 0.
        maximize: ascend instead of descend.

    Raises:
        ArgumentError: a value outside its range.

    Source: Zeiler, arXiv:1212.5701; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Adadelta([p])
        >>> for _ in range(3):
        ...     optimizer.step()
        >>> p.data
        tensor([ 0.9903, -2.0097])
    """

    ranges = checks(
        lr=rate, rho=fraction, eps=at_least_zero, weight_decay=at_least_zero, maximize=flag
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-06,
        weight_decay: float = 0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["square_avg", "acc_delta"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:  # noqa: ARG002  # the same for every group
        """Running means of squared gradients and of squared updates."""
        return {"square_avg": like(p), "acc_delta": like(p)}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        rho, eps = group["rho"], group["eps"]
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        grad = decayed_gradient(p, grad, group["weight_decay"], maximize=group["maximize"])
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        root = square_avg.add(eps).sqrt_()
        delta = acc_delta.add(eps).sqrt_().div_(root).mul_(grad)
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        descend_(p, delta, group["lr"])
