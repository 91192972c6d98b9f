"""Dynamic loss scaling, as a static step: what happens on overflow is chosen by `torch.where`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optimizers.clipping import global_norm, gradients_of
from optimizers.errors import ArgumentError, StateDictError
from optimizers.validation import above_zero, count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizers.base import Closure, Loss, Optimizer

_STATE = ("scale", "steps_since_change", "skipped_steps")


class DynamicLossScale:
    """A loss scale that doubles after a run of finite gradients and halves after an overflow.

    One training step::

        scaler.scaled(loss).backward()
        scaler.unscale_(optimizer)                  # gradients back to size; is all finite?
        clip_grad_norm_static(optimizer, max_norm)  # if wanted
        scaler.step(optimizer)                      # leaves everything as it was on overflow
        scaler.update()

    On overflow the step is computed like any other and its results are set aside by `where`,
    parameters, state and global step alike, so the graph never changes. `scale`,
    `steps_since_change` and `skipped_steps` are 0-dim float32 tensors, updated in place; `finite`
    is a 0-dim bool tensor.

    Args:
        initial_scale: scale of the first step. 2^15 suits float16; run configs with cbfloat16
            start at 2^31.
        steps_per_increase: finite steps in a row before the scale doubles, at least 1.
        min_scale: lower bound of the scale.
        max_scale: upper bound; by default the initial scale, as in the reference package.
        device: where the scale lives.

    Raises:
        ArgumentError: a value outside its range, or bounds that contradict each other.

    Source: Micikevicius et al., arXiv:1710.03740; steps and bounds as in the reference package.

    Example:
        >>> scaler = optimizers.DynamicLossScale(initial_scale=1024.0)
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> optimizer = optimizers.SGD([p], lr=0.1)
        >>> p.grad = torch.tensor([1.0, float("inf")])  # an overflow in backward
        >>> scaler.unscale_(optimizer)
        >>> scaler.step(optimizer)
        >>> scaler.update()
        >>> p.data, scaler.scale  # the parameter is unchanged, the scale is halved
        (tensor([ 1., -2.]), tensor(512.))
    """

    def __init__(
        self,
        initial_scale: float = 2.0**15,
        steps_per_increase: int = 2000,
        min_scale: float = 2.0**-14,
        max_scale: float | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        owner = type(self).__name__
        highest = initial_scale if max_scale is None else max_scale
        for name, value in (
            ("initial_scale", initial_scale),
            ("min_scale", min_scale),
            ("max_scale", highest),
        ):
            above_zero(owner, name, value)
        count(owner, "steps_per_increase", steps_per_increase)
        if steps_per_increase == 0:
            raise ArgumentError(owner, "steps_per_increase", 0, "at least 1")
        if min_scale > highest:
            raise ArgumentError(owner, "min_scale", min_scale, f"at most max_scale, {highest!r}")
        self.steps_per_increase = steps_per_increase
        self.min_scale = min_scale
        self.max_scale = highest
        start = max(min_scale, min(initial_scale, highest))
        self.scale = torch.tensor(start, dtype=torch.float32, device=device)
        self.steps_since_change = torch.zeros((), dtype=torch.float32, device=device)
        self.skipped_steps = torch.zeros((), dtype=torch.float32, device=device)
        self.finite = torch.ones((), dtype=torch.bool, device=device)

    def scaled(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss times the scale, in float32 at least, to call `backward()` on."""
        wide = loss if loss.dtype == torch.float64 else loss.to(torch.float32)
        return wide * self.scale

    @torch.no_grad()
    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide every gradient by the scale in place, and note whether all are finite."""
        gradients = gradients_of(optimizer)
        inverse = self.scale.reciprocal()
        for gradient in gradients:
            gradient.mul_(inverse)
        # A comparison with NaN is false, so one test finds NaN and infinity alike.
        torch.lt(global_norm(gradients), torch.inf, out=self.finite)

    def step(self, optimizer: Optimizer, closure: Closure | None = None) -> Loss | None:
        """Step the optimizer; if a gradient was not finite, all it wrote is as it was before."""
        return optimizer.step_where(self.finite, closure)

    @torch.no_grad()
    def update(self) -> None:
        """Choose the scale of the next step."""
        finite = self.finite
        count = self.steps_since_change + 1
        grown = finite & (count >= self.steps_per_increase)
        self.skipped_steps.add_(~finite)
        self.steps_since_change.copy_(torch.where(finite & ~grown, count, 0.0))
        factor = torch.where(grown, 2.0, torch.where(finite, 1.0, 0.5))
        self.scale.mul_(factor).clamp_(self.min_scale, self.max_scale)

    def state_dict(self) -> dict[str, float]:
        """The scale and its counts, as Python numbers."""
        return {name: float(getattr(self, name)) for name in _STATE}

    def load_state_dict(self, state_dict: Mapping[str, float]) -> None:
        """Fill the scale and its counts in place.

        Raises:
            StateDictError: an entry is missing.
        """
        missing = [name for name in _STATE if name not in state_dict]
        if missing:
            raise StateDictError(f"DynamicLossScale: the state dict lacks {', '.join(missing)}")
        for name in _STATE:
            getattr(self, name).fill_(float(state_dict[name]))
