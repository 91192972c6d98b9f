"""Schedules made of schedules: one after another, or multiplied."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from schedulers.base import LRScheduler
from schedulers.closed_forms import Split, number_of_split
from schedulers.errors import (
    HyperparameterError,
    HyperparameterTypeError,
    MilestoneError,
    OptimizerMismatchError,
    SchedulerStateError,
    UnchainableSchedulerError,
)
from schedulers.validation import increasing_milestones

if TYPE_CHECKING:
    from torch import Tensor


class ComposedLR(LRScheduler):
    """A schedule whose closed form uses those of other schedulers, its parts.

    The parts serve as formulas from then on: their rate cells are replaced by the composition's,
    and stepping one of them by itself raises :class:`~schedulers.errors.ComposedSchedulerError`.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> part = schedulers.ConstantLR(optimizer, 0.1)
        >>> schedule = schedulers.SequentialLR(optimizer, [part], milestones=[])
        >>> isinstance(schedule, schedulers.ComposedLR), len(schedule.schedulers)
        (True, 1)
    """

    _schedulers: list[LRScheduler]

    @property
    def schedulers(self) -> tuple[LRScheduler, ...]:
        """The parts, in order."""
        return tuple(self._schedulers)

    def _compose(self, optimizer: torch.optim.Optimizer, parts: Sequence[LRScheduler]) -> None:
        """Take `parts`, which must all drive `optimizer`. Before the base constructor runs."""
        name = type(self).__name__
        for position, part in enumerate(parts):
            if not isinstance(part, LRScheduler):
                raise HyperparameterTypeError(
                    f"{name}: schedulers[{position}] must be a scheduler of this package, got"
                    f" {type(part).__name__}"
                )
            if part.optimizer is not optimizer:
                raise OptimizerMismatchError(
                    f"{name}: schedulers[{position}] ({type(part).__name__}) drives another"
                    " optimizer; build every part on the same one"
                )
        self._schedulers = list(parts)
        for part in parts:
            part._composed_in = name

    def _may_leave_float32(self) -> bool:
        return any(part._may_leave_float32() for part in self._schedulers)

    def _part_steps(self, step: int) -> list[int]:
        """The step every part stands at when the composition stands at `step`."""
        return [step] * len(self._schedulers)

    def _state_at(self, step: int) -> dict[str, object]:
        parts = zip(self._schedulers, self._part_steps(step), strict=True)
        nested = [part._state_at(part_step) for part, part_step in parts]
        return {**super()._state_at(step), "_schedulers": nested}

    def _check_state(self, state_dict: Mapping[str, object]) -> None:
        super()._check_state(state_dict)
        for part, nested in zip(self._schedulers, self._nested(state_dict), strict=True):
            part._check_state(nested)

    def _apply_state(self, state_dict: Mapping[str, object]) -> None:
        super()._apply_state(state_dict)
        for part, nested in zip(self._schedulers, self._nested(state_dict), strict=True):
            part._apply_state(nested)

    def _nested(self, state_dict: Mapping[str, object]) -> list[Mapping[str, object]]:
        name = type(self).__name__
        nested = state_dict.get("_schedulers")
        if not isinstance(nested, list) or len(nested) != len(self._schedulers):
            raise SchedulerStateError(
                f"{name}: the state dictionary must hold _schedulers, a list of"
                f" {len(self._schedulers)} state dictionaries, one for each part"
            )
        return nested


class SequentialLR(ComposedLR):
    """Schedules one after another; each counts from its own 0 at its milestone.

    With ``k`` milestones passed, ``lr(t) = schedulers[k](t - milestones[k-1])``; a part with
    ``disable_lr_steps_reset=True`` is evaluated at the absolute ``t`` instead.

    Args:
        optimizer: the optimizer all parts drive.
        schedulers: the parts, at least one.
        milestones: steps at which the next part takes over; one fewer than parts, increasing.
        last_epoch: the schedule starts at the step after this one; -1 is its beginning.

    Raises:
        MilestoneError: (a ``ValueError``) milestones do not increase or are of the wrong count.
        HyperparameterTypeError: (a ``TypeError``) a milestone is not an integer.
        OptimizerMismatchError: (a ``ValueError``) a part drives another optimizer.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> warm_up = schedulers.LinearLR(optimizer, 0.0, 1.0, total_iters=2)
        >>> decay = schedulers.CosineDecayLR(optimizer, 1.0, 0.0, total_iters=4)
        >>> schedule = schedulers.SequentialLR(optimizer, [warm_up, decay], milestones=[2])
        >>> schedule.rates(torch.arange(8))
        tensor([0.0000, 0.5000, 1.0000, 0.8536, 0.5000, 0.1464, 0.0000, 0.0000])
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        parts = list(schedulers)
        if not parts:
            raise HyperparameterError(f"{name}: schedulers is empty; give at least one")
        self.milestones = increasing_milestones(self, milestones)
        if len(self.milestones) != len(parts) - 1:
            raise MilestoneError(
                f"{name}: {len(parts)} schedulers need {len(parts) - 1} milestones,"
                f" got {len(self.milestones)}"
            )
        if isinstance(last_epoch, bool) or not isinstance(last_epoch, int):
            raise HyperparameterTypeError(f"{name}: last_epoch must be an int, got {last_epoch!r}")
        if last_epoch < -1:
            raise HyperparameterError(
                f"{name}: last_epoch is {last_epoch}; give the last step done, or -1 for none"
            )
        self._compose(optimizer, parts)
        super().__init__(optimizer, self._length())
        if last_epoch >= 0:
            self.last_epoch.fill_(last_epoch + 1)
            self._write_rate()

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        current = self._schedulers[0]._get_closed_form_lr(step)
        for milestone, part in zip(self.milestones, self._schedulers[1:], strict=True):
            own_step = _step_of(part, milestone, step)
            current = torch.where(step >= milestone, part._get_closed_form_lr(own_step), current)
        return current

    def _get_split_lr(self, step: Tensor) -> Split:
        mantissa, exponent = self._schedulers[0]._get_split_lr(step)
        for milestone, part in zip(self.milestones, self._schedulers[1:], strict=True):
            of_part = part._get_split_lr(_step_of(part, milestone, step))
            begun = step >= milestone
            mantissa = torch.where(begun, of_part[0], mantissa)
            exponent = torch.where(begun, of_part[1], exponent)
        return mantissa, exponent

    def _part_steps(self, step: int) -> list[int]:
        starts = [0, *self.milestones]
        return [
            step if part.disable_lr_steps_reset else max(0, step - start)
            for part, start in zip(self._schedulers, starts, strict=True)
        ]

    def _length(self) -> int | None:
        last = self._schedulers[-1]
        if last.total_iters is None:
            return None
        counted_from_zero = last.disable_lr_steps_reset or not self.milestones
        return last.total_iters + (0 if counted_from_zero else self.milestones[-1])


def _step_of(part: LRScheduler, milestone: int, step: Tensor) -> Tensor:
    """The step of a part; clamped, so that it never sees one before its own beginning."""
    return step if part.disable_lr_steps_reset else (step - milestone).clamp(min=0)


class ChainedScheduler(ComposedLR):
    """Schedules multiplied: ``lr(t) = s0(t) · Π s_i(t) / s_i.initial_learning_rate``.

    Args:
        schedulers: the parts, at least one, all of one optimizer. The first may be any; the others
            need an ``initial_learning_rate`` above 0.

    Raises:
        UnchainableSchedulerError: (a ``ValueError``) a part after the first has no such rate.
        OptimizerMismatchError: (a ``ValueError``) the parts drive different optimizers.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> steps = schedulers.StepLR(optimizer, 1.0, step_size=2, gamma=0.5)
        >>> line = schedulers.LinearLR(optimizer, 1.0, 0.0, total_iters=4)
        >>> schedulers.ChainedScheduler([steps, line]).rates(torch.arange(5))
        tensor([1.0000, 0.7500, 0.2500, 0.1250, 0.0000])
    """

    def __init__(self, schedulers: Sequence[LRScheduler]) -> None:
        name = type(self).__name__
        parts = list(schedulers)
        if not parts:
            raise HyperparameterError(f"{name}: schedulers is empty; give at least one")
        if not isinstance(parts[0], LRScheduler):
            raise HyperparameterTypeError(
                f"{name}: schedulers[0] must be a scheduler of this package, got"
                f" {type(parts[0]).__name__}"
            )
        for position, part in enumerate(parts[1:], start=1):
            if not getattr(part, "initial_learning_rate", 0.0):
                raise UnchainableSchedulerError(
                    f"{name}: schedulers[{position}] ({type(part).__name__}) has no"
                    " initial_learning_rate above 0 to be divided by; put it first, or leave it"
                    " out"
                )
        optimizer = parts[0].optimizer
        self._compose(optimizer, parts)
        super().__init__(optimizer, parts[0].total_iters)

    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        chained = self._schedulers[0]._get_closed_form_lr(step)
        for part in self._schedulers[1:]:
            chained = chained * (part._get_closed_form_lr(step) / _initial(part))
        if not self._may_leave_float32():
            return chained
        # infinity times 0 is no number, and the product may well be one
        plain = torch.isfinite(chained) & (chained != 0.0)
        return torch.where(plain, chained, number_of_split(self._get_split_lr(step)))

    def _get_split_lr(self, step: Tensor) -> Split:
        mantissa, exponent = self._schedulers[0]._get_split_lr(step)
        for part in self._schedulers[1:]:
            of_part = part._get_split_lr(step)
            initial, power = math.frexp(_initial(part))
            zero = (mantissa == 0.0) | (of_part[0] == 0.0)
            mantissa = torch.where(zero, 0.0, mantissa * (of_part[0] / initial))
            exponent = exponent + (of_part[1] - power)
        return mantissa, exponent

    def _may_leave_float32(self) -> bool:
        small = any(_initial(part) < 1.0 / _LARGE_RATE for part in self._schedulers[1:])
        return small or any(map(_is_extreme, self._schedulers)) or super()._may_leave_float32()


_LARGE_RATE = 2.0**64
"""More than this over less than its inverse leaves float32, though neither alone does."""


def _is_extreme(part: LRScheduler) -> bool:
    rates = (value for value in vars(part).values() if isinstance(value, float) and value > 0)
    return any(not 1.0 / _LARGE_RATE < rate < _LARGE_RATE for rate in rates)


def _initial(part: LRScheduler) -> float:
    initial: float = vars(part)["initial_learning_rate"]
    return initial
