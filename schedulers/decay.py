"""Schedules that hold a rate or move it along a line, a power, an exponential or a root."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import torch

from schedulers.base import LRScheduler
from schedulers.closed_forms import (
    Split,
    descend,
    grown,
    line,
    one_less_raised,
    raised,
    split_grown,
)
from schedulers.errors import HyperparameterError
from schedulers.validation import FLOAT32_LARGEST, factor, positive, positive_steps, rate

if TYPE_CHECKING:
    from torch import Tensor

# Largest magnitude an int64 step may reach before its power is taken in float32 instead.
_INT64_BITS = 63
# No power of an int64 step up to this one is beyond float32.
_LARGEST_EXPONENT_WITHIN_FLOAT32 = 2


class ConstantLR(LRScheduler):
    """``lr(t) = learning_rate``.

    Args:
        optimizer: the optimizer to schedule.
        learning_rate: the rate to hold.
        total_iters: how many steps the schedule lasts; only a list of schedules asks for it.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.ConstantLR(optimizer, 0.01)
        >>> schedule.rates(torch.arange(3))
        tensor([0.0100, 0.0100, 0.0100])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        learning_rate: float,
        total_iters: int | None = None,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.learning_rate = rate(self, "learning_rate", learning_rate)
        super().__init__(optimizer, total_iters, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        return torch.full_like(step, self.learning_rate, dtype=torch.float32)


class PolynomialLR(LRScheduler):
    """``lr(t) = (initial - end) · (1 - t/total_iters)^power + end``, and `end` from then on.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        end_learning_rate: the rate from step `total_iters` on.
        total_iters: steps from the one to the other.
        power: exponent, above 0; 1 is a straight line.
        cycle: accepted for the reference's sake, and without effect as there; warns if set.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.PolynomialLR(optimizer, 1.0, 0.0, total_iters=4, power=2.0)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 0.5625, 0.2500, 0.0625, 0.0000, 0.0000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        end_learning_rate: float,
        total_iters: int,
        power: float = 1.0,
        cycle: bool = False,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.end_learning_rate = rate(self, "end_learning_rate", end_learning_rate)
        self.total_iters: int = positive_steps(self, "total_iters", total_iters)
        self.power = positive(self, "power", power)
        self.cycle = bool(cycle)
        if self.cycle:
            warnings.warn(
                f"{name}: cycle=True changes nothing: the rate stays at end_learning_rate after"
                " total_iters, as in the reference implementation",
                UserWarning,
                stacklevel=2,
            )
        super().__init__(optimizer, self.total_iters, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        remaining = (self.total_iters - step).clamp(min=0)
        start, end = self.initial_learning_rate, self.end_learning_rate
        if self.power == 1.0:
            return descend(start, end, remaining, self.total_iters, line)
        if abs(start) < abs(end):  # measured from the smaller rate, which keeps its digits so
            gone = line(self.total_iters - remaining, self.total_iters)
            return one_less_raised(gone, self.power) * (end - start) + start
        left = raised(line(remaining, self.total_iters), self.power)
        return left * (start - end) + end


class LinearLR(PolynomialLR):
    """``lr(t) = (initial - end) · (1 - t/total_iters) + end``, and `end` from then on.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        end_learning_rate: the rate from step `total_iters` on.
        total_iters: steps from the one to the other.
        cycle: accepted for the reference's sake, and without effect as there; warns if set.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.LinearLR(optimizer, 1.0, 0.0, total_iters=4)
        >>> schedule.rates(torch.arange(6))
        tensor([1.0000, 0.7500, 0.5000, 0.2500, 0.0000, 0.0000])
        >>> schedule.step()  # after optimizer.step()
        >>> schedule.get_last_lr()
        [0.75]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        end_learning_rate: float,
        total_iters: int,
        cycle: bool = False,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        super().__init__(
            optimizer,
            initial_learning_rate,
            end_learning_rate,
            total_iters,
            power=1.0,
            cycle=cycle,
            disable_lr_steps_reset=disable_lr_steps_reset,
        )


class ExponentialLR(LRScheduler):
    """``lr(t) = initial · decay_rate^(t/total_iters)``; it goes on past `total_iters`.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        total_iters: steps in which the rate is multiplied by `decay_rate` once.
        decay_rate: the factor, 0 or more.
        staircase: use the whole part of ``t/total_iters``.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.ExponentialLR(optimizer, 1.0, total_iters=2, decay_rate=0.5)
        >>> schedule.rates(torch.arange(0, 6, 2))
        tensor([1.0000, 0.5000, 0.2500])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        total_iters: int,
        decay_rate: float,
        staircase: bool = False,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.total_iters: int = positive_steps(self, "total_iters", total_iters)
        self.decay_rate = factor(self, "decay_rate", decay_rate)
        self.staircase = bool(staircase)
        super().__init__(optimizer, self.total_iters, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        if self.staircase:
            stairs = torch.div(step, self.total_iters, rounding_mode="floor")
            return grown(self.initial_learning_rate, self.decay_rate, stairs)
        return grown(self.initial_learning_rate, self.decay_rate, step, self.total_iters)

    def _may_leave_float32(self) -> bool:
        return self.decay_rate > 1.0

    def _get_split_lr(self, step: Tensor) -> Split:
        whole = self.total_iters
        if self.staircase:
            step, whole = torch.div(step, whole, rounding_mode="floor"), 1
        return split_grown(self.initial_learning_rate, self.decay_rate, step, whole)


class InverseExponentialTimeDecayLR(LRScheduler):
    """``lr(t) = initial / (1 + decay_rate · q)`` with ``q = t^step_exponent / total_iters``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        step_exponent: whole exponent of the step, 1 or more.
        total_iters: divisor of the step; the decay goes on past it.
        decay_rate: 0 or more.
        staircase: use the whole part of `q`.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.InverseExponentialTimeDecayLR(
        ...     optimizer, 1.0, step_exponent=1, total_iters=1, decay_rate=1.0
        ... )
        >>> schedule.rates(torch.arange(4))
        tensor([1.0000, 0.5000, 0.3333, 0.2500])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        step_exponent: int,
        total_iters: int,
        decay_rate: float,
        staircase: bool = False,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.step_exponent = positive_steps(self, "step_exponent", step_exponent)
        self.total_iters: int = positive_steps(self, "total_iters", total_iters)
        self.decay_rate = factor(self, "decay_rate", decay_rate)
        self.staircase = bool(staircase)
        super().__init__(optimizer, self.total_iters, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        if self.decay_rate == 0.0:  # no quotient, however large, changes the rate
            return torch.full_like(step, self.initial_learning_rate, dtype=torch.float32)
        quotient = self._stairs(step) if self.staircase else self._slope(step)
        decayed = quotient * self.decay_rate
        if self.step_exponent > _LARGEST_EXPONENT_WITHIN_FLOAT32:
            decayed = torch.where(torch.isinf(quotient), self._decayed_at_once(step), decayed)
        return self.initial_learning_rate / (decayed + 1.0)

    def _decayed_at_once(self, step: Tensor) -> Tensor:
        """``decay_rate · t^k / n``, where ``t^k / n`` alone is beyond float32."""
        exponent = self.step_exponent
        slope = (self.decay_rate / self.total_iters) ** (1.0 / exponent)
        return raised(step.to(torch.float32) * slope, exponent)

    def _slope(self, step: Tensor) -> Tensor:
        """``t^k / n`` in float32, as ``(t / n^(1/k))^k`` so that only the result can overflow."""
        exponent = self.step_exponent
        if exponent == 1:
            return line(step, self.total_iters)
        scaled = step.to(torch.float32) / float(self.total_iters) ** (1.0 / exponent)
        return raised(scaled, exponent)

    def _stairs(self, step: Tensor) -> Tensor:
        """``floor(t^k / n)``, exact while ``t^k`` fits an int64; past that no rate shows a step."""
        exponent = self.step_exponent
        if exponent == 1:
            return torch.div(step, self.total_iters, rounding_mode="floor").to(torch.float32)
        last_exact = math.floor(2.0 ** (_INT64_BITS / exponent)) - 1
        whole = torch.pow(step.clamp(max=last_exact), exponent)
        exact = torch.div(whole, self.total_iters, rounding_mode="floor").to(torch.float32)
        return torch.where(step > last_exact, self._slope(step).floor(), exact)


class InverseSquareRootDecayLR(LRScheduler):
    """``lr(t) = initial · scale / sqrt(max(t, warmup_steps))``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: factor of the rate.
        scale: another factor of the rate.
        warmup_steps: steps with the constant rate ``initial · scale / sqrt(warmup_steps)``.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.InverseSquareRootDecayLR(optimizer, 1.0, warmup_steps=4)
        >>> schedule.rates(torch.tensor([0, 4, 16, 100]))
        tensor([0.5000, 0.5000, 0.2500, 0.1000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float = 1.0,
        scale: float = 1.0,
        warmup_steps: int = 1,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.scale = factor(self, "scale", scale)
        self.warmup_steps = positive_steps(self, "warmup_steps", warmup_steps)
        if self.initial_learning_rate * self.scale > FLOAT32_LARGEST:
            raise HyperparameterError(
                f"{name}: initial_learning_rate · scale is beyond float32; give smaller factors"
            )
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        counted = step.clamp(min=self.warmup_steps).to(torch.float32)
        return torch.rsqrt(counted) * (self.initial_learning_rate * self.scale)
