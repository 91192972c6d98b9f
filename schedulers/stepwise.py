"""Schedules that change the rate at given steps and hold it between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from schedulers.base import LRScheduler
from schedulers.closed_forms import Split, grown, split_grown
from schedulers.errors import MilestoneError
from schedulers.validation import (
    factor,
    finite,
    increasing_milestones,
    positive_steps,
    rate,
    rate_list,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def _stairs(step: Tensor, values: Sequence[float], milestones: Sequence[int]) -> Tensor:
    """``values[number of milestones at or before each step]``, float32."""
    current = torch.full_like(step, values[0], dtype=torch.float32)
    for milestone, value in zip(milestones, values[1:], strict=True):
        current = current.masked_fill(step >= milestone, value)
    return current


class PiecewiseConstantLR(LRScheduler):
    """``lr(t) = learning_rates[number of milestones at or before t]``.

    Args:
        optimizer: the optimizer to schedule.
        learning_rates: the rates, one more than milestones.
        milestones: steps at which the next rate takes over, increasing.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Raises:
        MilestoneError: (a ``ValueError``) milestones do not increase or are of the wrong count.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.PiecewiseConstantLR(optimizer, [0.5, 0.2, 0.1], milestones=[2, 4])
        >>> schedule.rates(torch.arange(6))
        tensor([0.5000, 0.5000, 0.2000, 0.2000, 0.1000, 0.1000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        learning_rates: list[float],
        milestones: list[int],
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.learning_rates = rate_list(self, "learning_rates", learning_rates)
        self.milestones = increasing_milestones(self, milestones)
        if len(self.learning_rates) != len(self.milestones) + 1:
            raise MilestoneError(
                f"{name}: {len(self.learning_rates)} learning_rates need"
                f" {len(self.learning_rates) - 1} milestones, got {len(self.milestones)}"
            )
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        return _stairs(step, self.learning_rates, self.milestones)


class MultiStepLR(LRScheduler):
    """``lr(t) = initial · gamma^(number of milestones at or before t)``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        gamma: the factor at every milestone, 0 or more.
        milestones: steps at which the rate is multiplied, increasing.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.MultiStepLR(optimizer, 1.0, gamma=0.1, milestones=[2, 4])
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 1.0000, 0.1000, 0.1000, 0.0100, 0.0100])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        gamma: float,
        milestones: list[int],
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.gamma = factor(self, "gamma", gamma)
        self.milestones = increasing_milestones(self, milestones)
        finite(self, "the rate after the last milestone", self._values()[-1])
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        return _stairs(step, self._values(), self.milestones)

    def _values(self) -> list[float]:
        """The rate before and after each milestone."""
        values = [self.initial_learning_rate]
        for _ in self.milestones:
            values.append(values[-1] * self.gamma)
        return values


class StepLR(LRScheduler):
    """``lr(t) = initial · gamma^floor(t / step_size)``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        step_size: steps between two changes.
        gamma: the factor at every change, 0 or more.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.StepLR(optimizer, 1.0, step_size=2, gamma=0.5)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 1.0000, 0.5000, 0.5000, 0.2500, 0.2500])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        step_size: int,
        gamma: float,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.step_size = positive_steps(self, "step_size", step_size)
        self.gamma = factor(self, "gamma", gamma)
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        changes = torch.div(step, self.step_size, rounding_mode="floor")
        return grown(self.initial_learning_rate, self.gamma, changes)

    def _may_leave_float32(self) -> bool:
        return self.gamma > 1.0

    def _get_split_lr(self, step: Tensor) -> Split:
        changes = torch.div(step, self.step_size, rounding_mode="floor")
        return split_grown(self.initial_learning_rate, self.gamma, changes)
