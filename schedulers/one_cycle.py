"""The 1cycle policy: up to a maximum, down again, and far below where it began."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import torch

from schedulers.base import LRScheduler
from schedulers.closed_forms import descend, fold, half_cosine, line
from schedulers.errors import HyperparameterError
from schedulers.validation import INT64_LARGEST, factor, finite, positive, positive_steps, rate

if TYPE_CHECKING:
    from torch import Tensor

_STRATEGIES: Final = ("cos", "linear")

# Phase boundaries such as 0.3·total_steps - 1 are ratios of integers with at most this divisor;
# steps are counted in its units, so that they stay integers.
_LARGEST_DIVISOR: Final = 100_000


@dataclass(frozen=True, slots=True)
class _Phase:
    """One leg of the policy: from `start_rate` at `start` to `end_rate`, `length` later.

    `start` and `length` are integers, in units of a step divided by the policy's divisor.
    """

    start: int
    length: int
    start_rate: float
    end_rate: float


class OneCycleLR(LRScheduler):
    """From `initial` up to `max_lr`, then down to ``initial / final_div_factor``.

    The rise ends at step ``pct_start·total_steps - 1`` and the fall at ``total_steps - 1``. With
    `three_phase`, the fall back to `initial` takes as long as the rise, and the rest of the cycle
    goes on to the final rate. Past `total_steps` the last leg's formula goes on, as in the
    reference. (L. Smith and N. Topin, Super-Convergence, arXiv:1708.07120.)

    Args:
        optimizer: the optimizer to schedule.
        initial_learning_rate: the rate at step 0.
        max_lr: the highest rate.
        total_steps: steps of the cycle, at least 2.
        pct_start: fraction of the cycle that rises, 0 or more and below 1 (below 1/2 with
            `three_phase`).
        final_div_factor: the final rate is `initial_learning_rate` divided by this, above 0.
        three_phase: fall in two legs.
        anneal_strategy: ``cos`` for half cosines, ``linear`` for straight lines.
        disable_lr_steps_reset: see :class:`LRScheduler`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.OneCycleLR(optimizer, 0.1, max_lr=1.0, total_steps=10)
        >>> schedule.rates(torch.arange(10)).round(decimals=2)
        tensor([0.1000, 0.5500, 1.0000, 0.9500, 0.8100, 0.6100, 0.3900, 0.1900, 0.0500,
                0.0000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        initial_learning_rate: float,
        max_lr: float,
        total_steps: int = 1000,
        pct_start: float = 0.3,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        anneal_strategy: str = "cos",
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = rate(self, "initial_learning_rate", initial_learning_rate)
        self.max_lr = rate(self, "max_lr", max_lr)
        self.total_steps = positive_steps(self, "total_steps", total_steps)
        self.pct_start = factor(self, "pct_start", pct_start)
        self.final_div_factor = positive(self, "final_div_factor", final_div_factor)
        self.three_phase = bool(three_phase)
        if anneal_strategy not in _STRATEGIES:
            raise HyperparameterError(
                f"{name}: anneal_strategy is {anneal_strategy!r};"
                f" use one of {', '.join(_STRATEGIES)}"
            )
        self.anneal_strategy = anneal_strategy
        finite(self, "the final rate", self.initial_learning_rate / self.final_div_factor)
        if self.total_steps > INT64_LARGEST // (2 * _LARGEST_DIVISOR):
            raise HyperparameterError(
                f"{name}: total_steps is {self.total_steps};"
                f" give at most {INT64_LARGEST // (2 * _LARGEST_DIVISOR)}"
            )
        self._legs()
        super().__init__(optimizer, None, disable_lr_steps_reset)

    def _legs(self) -> tuple[int, list[_Phase]]:
        """The legs that have any length, and the divisor of a step their positions count in."""
        rise = Fraction(self.pct_start).limit_denominator(_LARGEST_DIVISOR)
        ends = [rise * self.total_steps - 1]
        peaks = [self.initial_learning_rate, self.max_lr]
        if self.three_phase:
            ends.append(2 * rise * self.total_steps - 2)
            peaks.append(self.initial_learning_rate)
        ends.append(Fraction(self.total_steps - 1))
        peaks.append(self.initial_learning_rate / self.final_div_factor)
        if ends[-1] <= max(Fraction(0), *ends[:-1]):
            raise HyperparameterError(
                f"{type(self).__name__}: with total_steps {self.total_steps} and pct_start"
                f" {self.pct_start}, no step is left to fall; use more steps or a smaller"
                " pct_start"
            )
        divisor = rise.denominator
        legs: list[_Phase] = []
        start = Fraction(0)
        for end, start_rate, end_rate in zip(ends, peaks, peaks[1:], strict=False):
            length = end - start
            if length > 0:  # without a rise the first leg has none
                legs.append(
                    _Phase(int(start * divisor), int(length * divisor), start_rate, end_rate)
                )
            start = end
        return divisor, legs

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        divisor, legs = self._legs()
        position = step * divisor
        current = self._along(legs[0], position)
        for leg in legs[1:]:
            current = torch.where(position > leg.start, self._along(leg, position), current)
        return current

    def _along(self, leg: _Phase, position: Tensor) -> Tensor:
        if self.anneal_strategy == "linear":
            remaining = (leg.start + leg.length) - position
            return descend(leg.start_rate, leg.end_rate, remaining, leg.length, line)
        # Folded, because the last leg is followed past its end.
        remaining = fold(position - leg.start, leg.length)
        return descend(leg.start_rate, leg.end_rate, remaining, leg.length, half_cosine)
