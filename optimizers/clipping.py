"""Clipping gradients by their global norm, as a static step: no value ever reaches Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from optimizers.validation import at_least_zero

if TYPE_CHECKING:
    from collections.abc import Iterable

# Guards the division for gradients that are all zero; the value torch.nn.utils uses.
NORM_GUARD = 1e-6


def clip_grad_norm_static(
    parameters: torch.optim.Optimizer | torch.Tensor | Iterable[torch.Tensor], max_norm: float
) -> torch.Tensor:
    """Scale all gradients in place so that their joint 2-norm is at most `max_norm`.

    Every gradient is multiplied by min(1, max_norm/(norm + 1e-6)), also when that is 1, so the
    graph is the same in every step. Call it between `backward()` and `optimizer.step()`; it is the
    one place where gradients are written, never `step()` itself.

    Args:
        parameters: an optimizer (all its parameters), or tensors; those without gradient count
            for nothing.
        max_norm: at least 0.

    Returns:
        The norm before clipping, 0-dim float32, on the device of the gradients. A gradient that is
        not finite makes it so, and clipping then yields NaN, as in `torch.nn.utils`.

    Raises:
        ArgumentError: `max_norm` is negative or not a finite number.

    Source: Pascanu, Mikolov and Bengio, arXiv:1211.5063; the guard as in
    `torch.nn.utils.clip_grad_norm_`.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> p.grad = torch.tensor([3.0, 4.0])
        >>> optimizers.clip_grad_norm_static([p], max_norm=1.0)
        tensor(5.)
        >>> p.grad
        tensor([0.6000, 0.8000])
    """
    at_least_zero("clip_grad_norm_static", "max_norm", max_norm)
    gradients = gradients_of(parameters)
    norm = global_norm(gradients)
    factor = (max_norm / (norm + NORM_GUARD)).clamp_(max=1.0)
    with torch.no_grad():
        for gradient in gradients:
            gradient.mul_(factor)
    return norm


@torch.no_grad()
def global_norm(tensors: list[torch.Tensor]) -> torch.Tensor:
    """The 2-norm of all elements of all tensors together; 0-dim float32, 0 for no tensors.

    One reduction a tensor, accumulated in float32, then one scalar addition a tensor.
    """
    device = tensors[0].device if tensors else None
    squares = torch.zeros((), dtype=torch.float32, device=device)
    for tensor in tensors:
        wide = torch.float64 if tensor.dtype == torch.float64 else torch.float32
        norm = torch.linalg.vector_norm(tensor, dtype=wide)
        squares.addcmul_(norm, norm)
    return squares.sqrt_()


def gradients_of(
    parameters: torch.optim.Optimizer | torch.Tensor | Iterable[torch.Tensor],
) -> list[torch.Tensor]:
    """The gradients there are, in the order of the parameters."""
    owned: Iterable[Any]
    if isinstance(parameters, torch.optim.Optimizer):
        owned = (p for group in parameters.param_groups for p in group["params"])
    elif isinstance(parameters, torch.Tensor):
        owned = (parameters,)
    else:
        owned = parameters
    return [p.grad for p in owned if p.grad is not None]
