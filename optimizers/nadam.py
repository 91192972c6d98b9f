"""NAdam: Adam with Nesterov's look-ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.rule import UpdateRule, decayed_gradient, descend_, like, one_minus_power, scalar
from optimizers.validation import at_least_zero, betas, checks, rate

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group, Params, Rate


class NAdam(UpdateRule):
    """NAdam: Adam with Nesterov momentum, in the form of the reference implementation.

    With g the gradient, η the rate, (β1, β2) `betas`, ψ `momentum_decay`, t the step::

        g  ← g + weight_decay · p
        μ  = β1·(1 − ½·0.96^(t·ψ));   μ' = β1·(1 − ½·0.96^((t+1)·ψ))
        M  ← M·μ;                     N  = M·μ·μ'
        m  ← β1·m + (1 − β1)·g
        v  ← β2·v + (1 − β2)·g²
        p  ← p − η·( μ'·m/(1 − N) + (1 − μ)·g/(1 − M) ) / ( √(v/(1 − β2^t)) + eps )

    ==========  ======  =======  =======
    state       shape   dtype    initial
    ==========  ======  =======  =======
    mu_product  ()      float32  1 (this is M)
    exp_avg     like p  like p   0
    exp_avg_sq  like p  like p   0
    step        ()      float32  0
    ==========  ======  =======  =======

    Differs from `torch.optim.NAdam`: N holds one factor μ more than Dozat's rule (N = M·μ'), as
    every release of the reference has it; about 0.75 % of the displacement.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: L2 strength of at least 0.
        momentum_decay: at least 0.

    Raises:
        ArgumentError: a value outside its range.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop; signature of
    the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.NAdam([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9895, -2.0105])
    """

    ranges = checks(
        lr=rate,
        betas=betas,
        eps=at_least_zero,
        weight_decay=at_least_zero,
        momentum_decay=at_least_zero,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-08,
        weight_decay: float = 0,
        momentum_decay: float = 0.004,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
            },
            enable_global_step=True,
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg", "exp_avg_sq"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:  # noqa: ARG002  # the same for every group
        """The product of the momenta so far, and two running means."""
        return {"mu_product": scalar(1.0), "exp_avg": like(p), "exp_avg_sq": like(p)}

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        beta1, beta2 = group["betas"]
        decay = group["momentum_decay"]
        exp_avg, exp_avg_sq, product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        step = self.increment_global_step(p)
        grad = decayed_gradient(p, grad, group["weight_decay"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)

        # μ = β1 − ½β1·q with q = 0.96^(t·ψ); the next step's q is q·0.96^ψ.
        power = torch.pow(0.96, step * decay)
        mu = torch.rsub(power, beta1, alpha=0.5 * beta1)
        mu_next = torch.rsub(power, beta1, alpha=0.5 * beta1 * 0.96**decay)
        product.mul_(mu)
        of_mean = mu_next.div_(torch.rsub((product * mu).mul_(mu_next), 1))
        of_grad = torch.rsub(mu, 1).div_(torch.rsub(product, 1))
        # With c = √(1 − β2^t): √(v/c²) + eps = (√v + eps·c)/c. All scaling of whole tensors goes
        # into scalars: the step is c·of_grad · (g + (of_mean/of_grad)·m) / (√v + eps·c).
        correction = one_minus_power(beta2, step).sqrt_()
        denominator = exp_avg_sq.sqrt().add_(correction, alpha=group["eps"])
        direction = torch.addcmul(grad, exp_avg, of_mean.div_(of_grad)).div_(denominator)
        descend_(p, direction, of_grad.mul_(correction).mul_(group["lr"]))
