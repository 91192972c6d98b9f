"""The cyclical policy: the rate swings between two bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from schedulers.base import LRScheduler
from schedulers.closed_forms import Split, power, split, split_grown
from schedulers.errors import HyperparameterError
from schedulers.validation import INT64_LARGEST, factor, positive_steps, rate

ScaleFunction = Callable[[Tensor], "Tensor | float"]
"""The amplitude's factor, from the cycle's number (1 first) or the step: an int64 tensor."""

_MODES: Final = ("triangular", "triangular2", "exp_range")
_SCALE_MODES: Final = ("cycle", "iterations")


class CyclicLR(LRScheduler):
    """``lr(t) = base_lr + (max_lr - base_lr) · s(t) · f``, a triangle wave ``s`` between 0 and 1.

    ``s`` rises over `step_size_up` steps and falls over `step_size_down`. ``f`` is 1 for
    ``triangular``, ``2^-(cycle - 1)`` for ``triangular2`` and ``gamma^t`` for ``exp_range``
    (L. Smith, Cyclical Learning Rates for Training Neural Networks, arXiv:1506.01186).

    Override :meth:`set_scale_fn` to supply another ``f``.

    Args:
        optimizer: the optimizer to schedule.
        base_lr: the lower bound, and the rate at step 0.
        max_lr: the upper bound.
        step_size_up: steps of the rising part.
        step_size_down: steps of the falling part; as many as `step_size_up` if ``None``.
        mode: ``triangular``, ``triangular2`` or ``exp_range``.
        gamma: base of ``exp_range``, 0 or more.
        scale_mode: whether an overridden ``f`` takes the cycle's number (``cycle``) or the step
            (``iterations``); the built-in ones know their own.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
        >>> schedule.rates(torch.arange(6))
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000, 0.5000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        base_lr: float,
        max_lr: float,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_mode: str = "cycle",
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.base_lr = rate(self, "base_lr", base_lr)
        self.max_lr = rate(self, "max_lr", max_lr)
        self.step_size_up = positive_steps(self, "step_size_up", step_size_up)
        self.step_size_down = (
            self.step_size_up
            if step_size_down is None
            else positive_steps(self, "step_size_down", step_size_down)
        )
        if 2 * self.step_size_up * self.step_size_down > INT64_LARGEST:
            raise HyperparameterError(
                f"{name}: step_size_up is {self.step_size_up} and step_size_down"
                f" {self.step_size_down}; give a product below {INT64_LARGEST // 2}"
            )
        if mode not in _MODES:
            raise HyperparameterError(f"{name}: mode is {mode!r}; use one of {', '.join(_MODES)}")
        if scale_mode not in _SCALE_MODES:
            raise HyperparameterError(
                f"{name}: scale_mode is {scale_mode!r}; use one of {', '.join(_SCALE_MODES)}"
            )
        self.mode = mode
        self.gamma = factor(self, "gamma", gamma)
        self.scale_mode = scale_mode
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def set_scale_fn(self) -> ScaleFunction | None:
        """A function to scale the amplitude with, or ``None`` for the one of the mode.

        It takes the number of the cycle, 1 first, or the step, as `scale_mode` says: an int64
        tensor. It must use tensor operations only.
        """
        return None

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        swing = self._swing(step)
        scale = self._scale(step, self.step_size_up + self.step_size_down)
        if scale is None:
            return swing + self.base_lr
        # where the wave is 0 the bound is the rate, however large the factor has grown
        scaled = torch.where(swing == 0.0, swing, swing * scale) if self._grows() else swing * scale
        return scaled + self.base_lr

    def _may_leave_float32(self) -> bool:
        return self._grows()

    def _get_split_lr(self, step: Tensor) -> Split:
        rate = self._get_closed_form_lr(step)
        mantissa, exponent = split(rate)
        if self.mode != "exp_range" or self.set_scale_fn() is not None:
            return mantissa, exponent
        beyond = torch.isinf(rate)
        factor_of_wave, power_of_two = split_grown(1.0, self.gamma, step)
        return (
            torch.where(beyond, self._swing(step) * factor_of_wave, mantissa),
            torch.where(beyond, power_of_two, exponent),
        )

    def _swing(self, step: Tensor) -> Tensor:
        """The wave: 0 at the base, the difference of the bounds at the top."""
        up, down = self.step_size_up, self.step_size_down
        phase = step % (up + down)
        # Both sides of the triangle in units of 1/(up·down), so the corner is an exact integer.
        rise, fall = phase, up + down - phase
        if (up + down) * max(up, down) > INT64_LARGEST:
            rise, fall = rise.clamp(max=up), fall.clamp(max=down)
        height = torch.minimum(rise * down, fall * up)
        return height.to(torch.float32) * ((self.max_lr - self.base_lr) / (up * down))

    def _grows(self) -> bool:
        """Whether the factor of the amplitude may grow beyond float32."""
        return (self.mode == "exp_range" and self.gamma > 1.0) or self.set_scale_fn() is not None

    def _scale(self, step: Tensor, period: int) -> Tensor | float | None:
        function = self.set_scale_fn()
        if function is not None:
            by_cycle = self.scale_mode == "cycle"
            cycle = torch.div(step, period, rounding_mode="floor") + 1
            return function(cycle if by_cycle else step)
        if self.mode == "triangular2":
            return power(0.5, torch.div(step, period, rounding_mode="floor"))
        if self.mode == "exp_range" and self.gamma != 1.0:
            return power(self.gamma, step)
        return None
