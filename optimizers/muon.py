"""Muon: orthogonalized momentum, an addition to the reference release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.errors import ParameterError
from optimizers.rule import StateTensor, UpdateRule, descend_, like, shrink_
from optimizers.validation import below_one, checks, count, flag, rate

if TYPE_CHECKING:
    from optimizers.validation import Group, Params, Rate

# Coefficients of the quintic iteration, and the guard of its normalisation, from the author's
# publication (see the class's source).
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
NORM_GUARD = 1e-7
# Share of max(rows, columns)^½ by which the rate is scaled, so that an update has the root mean
# square usual with AdamW: Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982.
RMS_MATCH = 0.2


class Muon(UpdateRule):
    """Muon: momentum, orthogonalized by a Newton-Schulz iteration of matrix products.

    With g the gradient, μ `momentum`, A x B the first two dimensions, (a, b, c) fixed::

        m ← μ·m + (1 − μ)·g;   x = g + μ·m  (nesterov)  or  m
        x ← x/(‖x‖ + 1e-7), in bfloat16, transposed if it has more rows than columns
        x ← a·x + (b·G + c·G²)·x   with G = x·xᵀ,  ns_steps times
        e = η·0.2·√max(A, B)
        p ← p·(1 − e·weight_decay) − e·x

    A tensor of four dimensions is taken as a matrix of its first dimension by the rest; other
    tensors of more than two as a batch of matrices.

    ===============  ======  ======  =======
    state            shape   dtype   initial
    ===============  ======  ======  =======
    momentum_buffer  like p  like p  0, if momentum ≠ 0
    ===============  ======  ======  =======

    Not part of the reference API 1.8.0; later releases of the reference package have it with this
    signature. There the momentum buffer is never written back, a defect that is not repeated here.

    Differs from `torch.optim.Muon`: torch interpolates the look-ahead, (1 − μ)·g + μ·m, decays by
    the rate before scaling, and scales it by √max(1, A/B) unless told otherwise.

    Args:
        params: parameters of at least two dimensions, or dicts of them.
        lr: rate of at least 0, a float or a 0-dim tensor.
        weight_decay: decoupled decay in [0, 1), multiplied by the scaled rate.
        momentum: in [0, 1).
        nesterov: use the look-ahead.
        ns_steps: iterations, at least 0; their number is fixed in the graph.

    Raises:
        ArgumentError: a value outside its range.
        ParameterError: a parameter with fewer than two dimensions.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2, 2))
        >>> p.grad = torch.tensor([[9.0, 0.0], [0.0, 0.1]])
        >>> optimizer = optimizers.Muon([p], lr=0.1)
        >>> optimizer.step()
        >>> p.data.diag().round(decimals=2)  # a large and a small gradient, steps of one length
        tensor([-0.0200, -0.0200])
        >>> optimizers.Muon([torch.nn.Parameter(torch.zeros(2))])
        Traceback (most recent call last):
            ...
        optimizers.errors.ParameterError: Muon, group 0: params[0] has shape (2,); Muon needs
        matrices. Give biases, norms and other vectors to AdamW
    """

    decouples_weight_decay = True

    ranges = checks(
        lr=rate, weight_decay=below_one, momentum=below_one, nesterov=flag, ns_steps=count
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.02,
        weight_decay: float = 0.01,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_steps": ns_steps,
            },
        )

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Raise `ArgumentError` for a value outside its range, `ParameterError` for a vector."""
        super().check_hyperparameters(owner, group)
        for index, p in enumerate(group.get("params", ())):
            if p.dim() < 2:
                raise ParameterError(
                    f"{owner}: params[{index}] has shape {tuple(p.shape)}; Muon needs matrices. "
                    "Give biases, norms and other vectors to AdamW"
                )

    def adopt_saved_group(self, saved: Group) -> Group:
        """Leave aside what `torch.optim.Muon` lets one choose and this class does not."""
        return {
            k: v for k, v in saved.items() if k not in ("ns_coefficients", "eps", "adjust_lr_fn")
        }

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
        momentum = group["momentum"]
        if momentum != 0:
            buffer = state["momentum_buffer"].lerp_(grad, 1 - momentum)
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        matrix = grad.flatten(1) if grad.dim() == 4 else grad
        direction = orthogonalized(matrix, group["ns_steps"]).to(p.dtype).view(p.shape)
        rate: Rate = group["lr"] * (RMS_MATCH * max(p.shape[:2]) ** 0.5)
        shrink_(p, rate, group["weight_decay"])
        descend_(p, direction, rate)


def orthogonalized(matrix: torch.Tensor, steps: int) -> torch.Tensor:
    """The nearest semi-orthogonal matrix, by `steps` Newton-Schulz iterations in bfloat16.

    Args:
        matrix: (..., rows, columns), any floating dtype; not written.
        steps: iterations; the singular values come near 1 within five.

    Returns:
        A contiguous bfloat16 tensor of the same shape.
    """
    a, b, c = COEFFICIENTS
    tall = matrix.size(-2) > matrix.size(-1)
    x = matrix.to(torch.bfloat16, copy=True)
    if tall:
        x = x.mT
    x.div_(torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True).add_(NORM_GUARD))
    for _ in range(steps):
        gram = x @ x.mT
        quadratic = (gram @ gram).mul_(c).add_(gram, alpha=b)
        # Not add_(x, alpha=a): compiled by inductor, a product followed by add loses alpha
        # (github.com/pytorch/pytorch/issues/167313).
        x = (quadratic @ x).sub_(x, alpha=-a)
    return (x.mT if tall else x).contiguous()
