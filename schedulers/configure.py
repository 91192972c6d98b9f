"""Schedulers built from run-config sections."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from schedulers import names
from schedulers.composition import ChainedScheduler, SequentialLR
from schedulers.errors import ScheduleSectionError
from schedulers.sections import ScheduleSection, read_grouped_schedules, read_learning_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from schedulers.base import LRScheduler


def configure_lr_scheduler(
    optimizer: torch.optim.Optimizer, learning_rate: object
) -> LRScheduler | None:
    """Build the scheduler a run config's ``learning_rate`` describes.

    Args:
        optimizer: the optimizer to schedule.
        learning_rate: a float or a number in a string (a constant rate), an entry in the 1.x form
            (``{scheduler: Linear, ...}``) or the 2.x form (``{LinearLR: {...}}``), or a list of
            1.x entries, which follow one another, or are multiplied if one has
            ``main_scheduler: chained``. It is not changed.

    Returns:
        The scheduler, or None for an empty or zero learning rate.

    Raises:
        UnknownSchedulerError: no scheduler of that name.
        UnsupportedScheduleError: a kind of schedule the reference has and this package does not.
        ScheduleSectionError: an argument is missing, or the form is none of the above.
        HyperparameterError: a number is out of range, or no group has a tag that is named.
        (All four are ``ValueError``.)

    Warns:
        UserWarning: keys of the section that the scheduler does not take.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> schedule = schedulers.configure_lr_scheduler(optimizer, [
        ...     {
        ...         "scheduler": "Linear",
        ...         "initial_learning_rate": 0.0,
        ...         "end_learning_rate": 0.1,
        ...         "total_iters": 2,
        ...     },
        ...     {"scheduler": "Constant", "learning_rate": 0.1},
        ... ])
        >>> schedule.rates(torch.arange(4))
        tensor([0.0000, 0.0500, 0.1000, 0.1000])
    """
    section = read_learning_rate(learning_rate)
    if section is None:
        return None
    _warn_of_unused("configure_lr_scheduler", [section])
    return build_apart(optimizer, [section])[0]


def configure_lr_schedulers(
    optimizer: torch.optim.Optimizer, schedulers: Sequence[object]
) -> list[LRScheduler]:
    """Build the schedulers of a 2.x ``schedulers`` list, each for its own parameter groups.

    Every scheduler writes the groups whose ``tag`` is among its ``param_group_tags``, and must be
    stepped by itself. Groups no scheduler is for keep the optimizer's rate.

    Args:
        optimizer: the optimizer, its groups tagged.
        schedulers: 2.x entries; with ``param_group_tags`` if there are several. Not changed.

    Raises:
        UnsupportedScheduleError: several entries, and one without tags.
        ScheduleSectionError: two entries are for the same group.
        UnknownSchedulerError, HyperparameterError: as in :func:`configure_lr_scheduler`.

    Warns:
        UserWarning: keys that no scheduler takes.

    Example:
        >>> p, q = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
        >>> groups = [{"params": [p], "tag": "a"}, {"params": [q], "tag": "b"}]
        >>> optimizer = optimizers.SGD(groups, lr=0.1)
        >>> built = schedulers.configure_lr_schedulers(optimizer, [
        ...     {"ConstantLR": {"learning_rate": 0.5, "param_group_tags": "a"}},
        ...     {"ConstantLR": {"learning_rate": 0.25, "param_group_tags": "b"}},
        ... ])
        >>> [float(group["lr"]) for group in optimizer.param_groups]
        [0.5, 0.25]
    """
    sections = read_grouped_schedules(schedulers)
    _warn_of_unused("configure_lr_schedulers", sections)
    return build_apart(optimizer, sections)


def build_apart(
    optimizer: torch.optim.Optimizer, sections: Sequence[ScheduleSection]
) -> list[LRScheduler]:
    """Build schedulers that each write their own groups; groups without one keep their rate.

    Args:
        optimizer: the optimizer, its groups tagged where a section names tags.
        sections: from :func:`read_learning_rate` or :func:`read_grouped_schedules`.

    Raises:
        ScheduleSectionError: two sections are for the same group.
        HyperparameterError: no group has a tag that is named, or a number is out of range.
    """
    untouched = [group["lr"] for group in optimizer.param_groups]
    built = [build_scheduler(optimizer, section) for section in sections]
    # every construction wrote all groups; now each scheduler takes its own
    driven: dict[int, LRScheduler] = {}
    for scheduler in built:
        for position, group in enumerate(optimizer.param_groups):
            if not any(group is own for own in scheduler.driven_groups()):
                continue
            if position in driven:
                raise ScheduleSectionError(
                    f"parameter group {position} has the tags of two schedulers,"
                    f" {type(driven[position]).__name__} and {type(scheduler).__name__};"
                    " give each group one"
                )
            driven[position] = scheduler
    for position, group in enumerate(optimizer.param_groups):
        owner = driven.get(position)
        group["lr"] = untouched[position] if owner is None else owner.rate_cell
    return built


def build_scheduler(optimizer: torch.optim.Optimizer, section: ScheduleSection) -> LRScheduler:
    """Build the scheduler of a section that was read before.

    Raises:
        HyperparameterError, HyperparameterTypeError, MilestoneError, UnchainableSchedulerError:
            the section's numbers make no schedule, or no group has a tag that is named.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> section = schedulers.read_learning_rate("0.5")
        >>> schedulers.build_scheduler(optimizer, section).get_last_lr()
        [0.5]
    """
    scheduler = build_formula(optimizer, section)
    if section.param_group_tags:
        scheduler.drive_only(section.param_group_tags)
    return scheduler


def build_formula(optimizer: torch.optim.Optimizer, section: ScheduleSection) -> LRScheduler:
    """:func:`build_scheduler` for all groups, whatever tags the section names.

    Example:
        >>> optimizer = optimizers.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
        >>> entry = {"ConstantLR": {"learning_rate": 0.5, "param_group_tags": "body"}}
        >>> section = schedulers.read_learning_rate(entry)
        >>> schedulers.build_formula(optimizer, section).rates(torch.arange(2))
        tensor([0.5000, 0.5000])
    """
    parts = [build_formula(optimizer, part) for part in section.parts]
    if section.scheduler == names.SEQUENTIAL:
        return SequentialLR(optimizer, parts, list(section.milestones))
    if section.scheduler == names.CHAINED:
        return ChainedScheduler(parts)
    scheduler: Callable[..., LRScheduler] = names.known_schedulers()[section.scheduler]
    return scheduler(optimizer, **dict(section.arguments))


def _warn_of_unused(function: str, sections: Sequence[ScheduleSection]) -> None:
    unused = [key for section in sections for key in section.all_unused()]
    if unused:
        warnings.warn(f"{function}: not used: {', '.join(unused)}", UserWarning, stacklevel=3)
