"""The scheduler base class: one closed form, one step counter, one rate cell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from optimizers.base import Optimizer
from schedulers import state
from schedulers.closed_forms import Split, split
from schedulers.errors import (
    ComposedSchedulerError,
    HyperparameterError,
    HyperparameterTypeError,
    NotAnOptimizerError,
    UnreadableRateError,
)
from schedulers.validation import positive_steps


class LRScheduler(ABC):
    """A learning rate as a closed form of the step, written into an optimizer in place.

    A subclass sets its hyper-parameters as attributes, then calls this constructor, and defines
    :meth:`_get_closed_form_lr`. Nothing else is needed: no formula looks at the previous rate.

    The scheduler owns two 0-dim tensors on the device of the optimizer's first parameter:

    * ``last_epoch`` (int64), the step the current rate belongs to, 0 after construction;
    * :attr:`rate_cell` (float32), the current rate. It is placed in ``group["lr"]`` of every
      parameter group at construction (the optimizer's own rates and per-group rates are
      overwritten) and written in place from then on.

    A rate put into ``group["lr"]`` from outside holds until the next :meth:`step`, which puts the
    cell back: a change from outside is overwritten.

    Args:
        optimizer: the optimizer to schedule, an ``optimizers.Optimizer``.
        total_iters: number of steps the schedule lasts, at least 1; ``None`` if it has no length.
        disable_lr_steps_reset: inside a :class:`~schedulers.SequentialLR`, evaluate this schedule
            at the absolute step instead of counting from 0 at its own milestone.

    Raises:
        NotAnOptimizerError: (a ``TypeError``) `optimizer` is not an ``optimizers.Optimizer``.
        HyperparameterError: (a ``ValueError``) `total_iters` is below 1.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> class Half(schedulers.LRScheduler):
        ...     def _get_closed_form_lr(self, step):
        ...         return 0.5**step
        >>> schedule = Half(optimizer)
        >>> schedule.rates(torch.arange(4))
        tensor([1.0000, 0.5000, 0.2500, 0.1250])
        >>> schedule.step()
        >>> optimizer.param_groups[0]["lr"]  # written in place, into one tensor
        tensor(0.5000)
    """

    optimizer: Optimizer
    total_iters: int | None
    disable_lr_steps_reset: bool
    last_epoch: Tensor
    param_group_tags: tuple[str, ...] = ()
    """Tags of the parameter groups it drives; empty for all of the optimizer's groups."""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        total_iters: int | None = None,
        disable_lr_steps_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise NotAnOptimizerError(
                f"{name}: the optimizer must be an optimizers.Optimizer, got"
                f" {type(optimizer).__module__}.{type(optimizer).__qualname__}; build it from the"
                " optimizers package (optimizers.from_torch converts a torch one)"
            )
        if total_iters is not None:
            total_iters = positive_steps(self, "total_iters", total_iters)
        if not isinstance(disable_lr_steps_reset, bool):
            raise HyperparameterTypeError(
                f"{name}: disable_lr_steps_reset must be True or False,"
                f" got {disable_lr_steps_reset!r}"
            )
        self.optimizer = optimizer
        self.total_iters = total_iters
        self.disable_lr_steps_reset = disable_lr_steps_reset
        device = _device(optimizer)
        self.last_epoch = torch.zeros((), dtype=torch.int64, device=device)
        self._rate_cell = torch.zeros((), dtype=torch.float32, device=device)
        self._composed_in: str | None = None
        self._write_rate()

    @abstractmethod
    def _get_closed_form_lr(self, step: Tensor) -> Tensor:
        """The learning rate at each of `step`.

        Args:
            step: int64, any shape (0-dim in a training step), values of 0 or more.

        Returns:
            float32 of the same shape and device.
        """

    def _may_leave_float32(self) -> bool:
        """Whether the rate may grow beyond float32, so that its product with another needs
        :meth:`_get_split_lr`."""
        return False

    def _get_split_lr(self, step: Tensor) -> Split:
        """The rate as a mantissa and a power of 2."""
        return split(self._get_closed_form_lr(step))

    @property
    def rate_cell(self) -> Tensor:
        """The 0-dim float32 tensor that holds the current rate; the same object for life."""
        return self._rate_cell

    @torch.no_grad()
    def step(self) -> None:
        """Advance one step and write the new rate.

        Tensor operations only, on 0-dim tensors: nothing is read back to the host, and no Python
        number changes from one step to the next, so the step can be captured once and repeated.
        """
        if self._composed_in is not None:
            raise ComposedSchedulerError(
                f"{type(self).__name__} is part of a {self._composed_in}; step that one instead"
            )
        self.last_epoch.add_(1)
        self._write_rate()

    @torch.no_grad()
    def rates(self, steps: Tensor) -> Tensor:
        """The learning rate at each of `steps`, whatever step the scheduler stands at.

        Pure: neither the scheduler nor its optimizer changes, and it computes on the device of
        `steps`, also when the optimizer's parameters are on the meta device.

        Args:
            steps: integer tensor of any shape, values of 0 or more (not checked on meta).

        Returns:
            float32 tensor of the same shape and device.

        Raises:
            HyperparameterTypeError: (a ``TypeError``) `steps` is not an integer tensor.
            HyperparameterError: (a ``ValueError``) a step is negative.
        """
        if not isinstance(steps, Tensor) or steps.dtype in (torch.bool, torch.uint64):
            raise HyperparameterTypeError(f"rates: steps must be an integer tensor, got {steps!r}")
        if steps.is_floating_point() or steps.is_complex():
            raise HyperparameterTypeError(
                f"rates: steps must be an integer tensor, got dtype {steps.dtype}"
            )
        steps = steps.to(torch.int64)
        if not steps.is_meta and steps.numel() and bool((steps < 0).any()):
            raise HyperparameterError(f"rates: steps start at 0, got {int(steps.min())}")
        return self._get_closed_form_lr(steps).to(torch.float32)

    def drive_only(self, tags: Sequence[str]) -> None:
        """Drive only the parameter groups with one of `tags` under their ``tag`` (or ``tags``).

        The other groups keep the rate they have now, in tensors of their own; another scheduler
        may drive them.

        Raises:
            HyperparameterError: (a ``ValueError``) no group of the optimizer has such a tag.
        """
        wanted = tuple(tags)
        driven = [group for group in self.optimizer.param_groups if _is_tagged(group, wanted)]
        if not driven:
            known = sorted({t for g in self.optimizer.param_groups for t in _tags(g)})
            raise HyperparameterError(
                f"{type(self).__name__}: no parameter group is tagged {' or '.join(wanted)}; the"
                f" optimizer has {', '.join(known) or 'no tagged groups'}"
            )
        self.param_group_tags = wanted
        for group in self.optimizer.param_groups:
            if group["lr"] is self._rate_cell and not _is_tagged(group, wanted):
                group["lr"] = self._rate_cell.detach().clone()

    def driven_groups(self) -> list[dict[str, Any]]:
        """The optimizer's parameter groups whose rate it writes."""
        groups = self.optimizer.param_groups
        if not self.param_group_tags:
            return list(groups)
        return [group for group in groups if _is_tagged(group, self.param_group_tags)]

    def get_last_lr(self) -> list[float]:
        """The current rate, once for each parameter group it drives.

        Raises:
            UnreadableRateError: the optimizer's parameters are on the meta device.
        """
        return [self._readable(self._rate_cell)] * len(self.driven_groups())

    def state_dict(self) -> dict[str, object]:
        """Hyper-parameters and position, as plain numbers, strings, lists and dictionaries.

        A copy: it does not change when the scheduler moves on. Callables are left out.

        Raises:
            UnreadableRateError: the optimizer's parameters are on the meta device.
        """
        return self._state_at(int(self._readable(self.last_epoch)))

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Take over hyper-parameters and position; the rate in the optimizer is right at once.

        The mapping is not changed. If it is refused, neither is the scheduler.

        Raises:
            SchedulerStateError: (a ``ValueError``) an entry is missing, unknown, or of the wrong
                type, or ``last_epoch`` is negative.
        """
        self._check_state(state_dict)
        self._apply_state(state_dict)
        self.last_epoch.fill_(state.position(type(self).__name__, state_dict))
        self._write_rate()

    def _write_rate(self) -> None:
        with torch.no_grad():
            self._rate_cell.copy_(self._get_closed_form_lr(self.last_epoch))
        for group in self.driven_groups():
            group["lr"] = self._rate_cell

    def _state_at(self, step: int) -> dict[str, object]:
        """The state dictionary of this scheduler standing at `step`."""
        rate = float(self.rates(torch.tensor(step)))
        return {
            **self._hyperparameters(),
            "last_epoch": step,
            "_step_count": step + 1,
            "_last_lr": [rate] * len(self.driven_groups()),
        }

    def _hyperparameters(self) -> dict[str, object]:
        """Every attribute with a plain value, which are the ones a state dictionary carries."""
        return {
            name: state.plain(value)
            for name, value in vars(self).items()
            if name not in state.NOT_IN_STATE and state.is_plain(value)
        }

    def _check_state(self, state_dict: Mapping[str, object]) -> None:
        """Refuse a dictionary that is not one of this scheduler's, before anything changes."""
        name = type(self).__name__
        state.position(name, state_dict)
        state.check_entries(name, self._hyperparameters(), state_dict)

    def _apply_state(self, state_dict: Mapping[str, object]) -> None:
        """Take over the hyper-parameters of a dictionary that was checked."""
        for name in self._hyperparameters():
            if name in state_dict:
                setattr(self, name, state.plain(state_dict[name]))

    def _readable(self, value: Tensor) -> float:
        if value.is_meta:
            raise UnreadableRateError(
                f"{type(self).__name__}: the optimizer's parameters are on the meta device, so"
                " there is no current rate; use rates(steps) for the rate at a step"
            )
        return float(value)


def _device(optimizer: Optimizer) -> torch.device:
    """Where the first parameter lies, whatever its group; the CPU for an optimizer of none."""
    parameters = (p for group in optimizer.param_groups for p in group["params"])
    first: Tensor | None = next(parameters, None)
    return torch.device("cpu") if first is None else first.device


def _tags(group: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags a parameter group carries: ``tag``, one name, or ``tags``, several."""
    tags = group.get("tags", group.get("tag", ()))
    return (tags,) if isinstance(tags, str) else tuple(tags or ())


def _is_tagged(group: Mapping[str, Any], wanted: Sequence[str]) -> bool:
    return any(tag in wanted for tag in _tags(group))
