"""Schedules along a half cosine: decay, annealing, and warm restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedulers.base import LRScheduler
from schedulers.closed_forms import descend, fold, half_cosine
from schedulers.errors import HyperparameterError
from schedulers.validation import positive_steps, rate

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class CosineDecayLR(LRScheduler):
    """``lr(t) = end + (initial - end)/2 · (1 + cos(π·min(t, n)/n))`` with ``n = total_iters``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        end_learning_rate: the rate from step `total_iters` on.
        total_iters: steps from the one to the other.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.CosineDecayLR(optimizer, 1.0, 0.0, total_iters=4)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 0.8536, 0.5000, 0.1464, 0.0000, 0.0000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        end_learning_rate: float,
        total_iters: int,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.end_learning_rate = rate(self, "end_learning_rate", end_learning_rate)
        self.total_iters: int = positive_steps(self, "total_iters", total_iters)
        super().__init__(optimizer, self.total_iters, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        remaining = (self.total_iters - step).clamp(min=0)
        return descend(
            self.initial_learning_rate,
            self.end_learning_rate,
            remaining,
            self.total_iters,
            half_cosine,
        )


class CosineAnnealingLR(LRScheduler):
    """``lr(t) = eta_min + (initial - eta_min)/2 · (1 + cos(π·t/T_max))``.

    The rate rises again after `T_max`; its period is ``2·T_max``, and the step is reduced by it
    as an integer before the cosine.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0 and every ``2·T_max`` steps.
        T_max: steps from the initial rate to `eta_min`.
        eta_min: the rate at step `T_max`.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.CosineAnnealingLR(optimizer, 1.0, T_max=2)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 0.5000, 0.0000, 0.5000, 1.0000, 0.5000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        T_max: int,
        eta_min: float = 0.0,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.T_max = positive_steps(self, "T_max", T_max)
        self.eta_min = rate(self, "eta_min", eta_min)
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        remaining = fold(step, self.T_max)
        return descend(self.initial_learning_rate, self.eta_min, remaining, self.T_max, half_cosine)


class CosineAnnealingWarmRestarts(LRScheduler):
    """``lr(t) = eta_min + (initial - eta_min)/2 · (1 + cos(π·(t mod T_0)/T_0))``.

    This is the documented formula. The reference implementation departs from it after the first
    `T_0` steps, where it alternates between the two rates.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at every restart.
        T_0: steps between two restarts.
        T_mult: must be 1.
        eta_min: the rate approached before a restart.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.CosineAnnealingWarmRestarts(optimizer, 1.0, T_0=2)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 0.5000, 1.0000, 0.5000, 1.0000, 0.5000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.T_0 = positive_steps(self, "T_0", T_0)
        self.T_mult = positive_steps(self, "T_mult", T_mult)
        if self.T_mult != 1:
            raise HyperparameterError(
                f"{name}: T_mult is {self.T_mult}; only 1 is supported, give every period its own"
                " scheduler in a SequentialLR for growing ones"
            )
        self.eta_min = rate(self, "eta_min", eta_min)
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        remaining = self.T_0 - step % self.T_0
        return descend(self.initial_learning_rate, self.eta_min, remaining, self.T_0, half_cosine)
