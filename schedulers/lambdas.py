"""Schedules from functions of the step that a subclass supplies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from schedulers.base import LRScheduler
from schedulers.closed_forms import Split, grown, line, power, split_grown, times
from schedulers.errors import HyperparameterError, HyperparameterTypeError
from schedulers.validation import FLOAT32_LARGEST, factor, finite, rate

if TYPE_CHECKING:
    import numbers

StepFunction = Callable[[Tensor], "Tensor | float"]
"""A factor of the rate from the step: an int64 tensor of any shape, or a plain number."""

_DEFAULT_RISE_STEPS = 30
_DEFAULT_DECAY = 0.95
# Enough to find a rate far above 1, and few enough for a Python float to hold the power.
_MOST_FACTORS = 8


class LambdaLR(LRScheduler):
    """``lr(t) = Π_i initial · f_i(t)``: the initial rate enters once for each function.

    Override :meth:`set_lr_lambda` to supply the functions. The defaults, ``t/30`` and ``0.95^t``,
    give ``initial² · (t/30) · 0.95^t``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: factor of every function.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> class Square(schedulers.LambdaLR):
        ...     def set_lr_lambda(self):
        ...         return [lambda step: step**2]
        >>> Square(optimizer, 0.5).rates(torch.arange(4))
        tensor([0.0000, 0.5000, 2.0000, 4.5000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def set_lr_lambda(self) -> Sequence[StepFunction]:
        """The functions whose product, each times the initial rate, is the rate.

        Each takes the step as an int64 tensor and must use tensor operations only: a Python
        ``if``, ``float()`` or ``math`` function of the step cannot be captured.
        """
        return [
            lambda step: line(step, _DEFAULT_RISE_STEPS),
            lambda step: power(_DEFAULT_DECAY, step),
        ]

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        functions = self.set_lr_lambda()
        if callable(functions):
            functions = [functions]
        if self.initial_learning_rate ** min(len(functions), _MOST_FACTORS) > FLOAT32_LARGEST:
            raise HyperparameterError(
                f"{type(self).__name__}: initial_learning_rate enters once for each of the"
                f" {len(functions)} functions, and its power is beyond float32; give a smaller one"
            )
        current: Tensor | None = None
        for function in functions:
            term = times(_as_rate(self, function(step), step), self.initial_learning_rate)
            current = term if current is None else current * term
        if current is None:
            raise HyperparameterTypeError(
                f"{type(self).__name__}: set_lr_lambda returned no function; return at least one"
            )
        return current


class MultiplicativeLR(LRScheduler):
    """``lr(t) = initial · f(t)^t``, where ``f`` is the constant `coefficient`.

    Override :meth:`set_lr_lambda` to supply another ``f``.

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        coefficient: the factor of every step, 0 or more.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.MultiplicativeLR(optimizer, 1.0, coefficient=0.5)
        >>> schedule.rates(torch.arange(4))
        tensor([1.0000, 0.5000, 0.2500, 0.1250])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        coefficient: float,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.coefficient = factor(self, "coefficient", coefficient)
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def set_lr_lambda(self) -> StepFunction:
        """The function ``f``: from the step, an int64 tensor, to a tensor or a plain number."""
        return lambda _step: self.coefficient

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        value = self.set_lr_lambda()(step)
        if isinstance(value, Tensor):
            powered = torch.pow(value.to(torch.float32), step.to(torch.float32))
        else:
            base = factor(self, "the value of set_lr_lambda", value)
            return grown(self.initial_learning_rate, base, step)
        return times(powered, self.initial_learning_rate)

    def _may_leave_float32(self) -> bool:
        return True

    def _get_split_lr(self, step: Tensor) -> Split:
        value = self.set_lr_lambda()(step)
        if isinstance(value, Tensor):
            return super()._get_split_lr(step)
        base = factor(self, "the value of set_lr_lambda", value)
        return split_grown(self.initial_learning_rate, base, step)


def _as_rate(scheduler: LRScheduler, value: Tensor | numbers.Real | float, step: Tensor) -> Tensor:
    """What a step function returned, as a float32 tensor of the step's shape."""
    if isinstance(value, Tensor):
        return value.to(torch.float32)
    number = finite(scheduler, "the value of a step function", value)
    return torch.full_like(step, number, dtype=torch.float32)
