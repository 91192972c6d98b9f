"""The learning rate of a run config, step by step: what ``wse schedule`` answers, as values."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optimizers import Optimizer
from schedulers import SchedulerError, ScheduleSection, build_formula
from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.errors import ConfigError, InputError
from wse_emulator.inputs.given import whole_number
from wse_emulator.results.schedule import ALL_GROUPS, GroupRates, LearningRates
from wse_emulator.tell import Tell, silent

_CHUNK_STEPS: Final = 1 << 18  # keeps the temporaries of one evaluation in the cache
LARGEST_STEP_COUNT: Final = 50_000_000


class _RateHolder(Optimizer):
    """What a schedule needs to exist: a group with a rate. It never steps.

    Registering its group itself spares the import of torch's compiler, which takes longer than
    half a million rates.
    """

    def __init__(self) -> None:
        super().__init__([nn.Parameter(torch.zeros(1))], {"lr": 0.0})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.param_groups.append({**self.defaults, **param_group})

    def preinitialize(self) -> None:
        """Make no state, since there is nothing to update."""

    def state_names_to_sparsify(self) -> list[str]:
        """Name no state, since there is none."""
        return []

    def step(self, closure: object = None) -> None:  # type: ignore[override]  # never called
        """Do nothing, since a schedule is read without a model to update."""


def schedule(
    config: str | Path,
    *,
    steps: int | None = None,
    compare: str | Path | None = None,
    tell: Tell | None = None,
) -> LearningRates:
    """Evaluate the learning rate of a run config at every step.

    Args:
        config: a Model Zoo run config (YAML).
        steps: how many, from step 0; default: the config's own length, else that of its schedule.
        compare: another run config, whose rates lie over the first in tables and pictures.
        tell: called with the name of each config as it is evaluated.

    Raises:
        MalformedFileError: a file that cannot be read.
        ConfigError: a config without a learning rate, or with one that makes no schedule.
        InputError: ``steps`` is out of range, or needed and not given.

    Example:
        >>> rates = wse_emulator.schedule("scenarios/run_configs/llama_7b.yaml", steps=3)
        >>> rates.steps, rates.groups[0].learning_rate.dtype.name
        (3, 'float32')
    """
    told = tell or silent
    count = whole_number("steps", steps)
    found: list[LearningRates] = []
    for one in (config, compare):
        if one is None and found:
            continue
        if not isinstance(one, str | PathLike):
            raise InputError(f"the run config is {one!r}; name a file (YAML)")
        told(f"evaluating {one}")
        found.append(learning_rates(read_run_config(Path(one)), count))
    return found[0] if len(found) == 1 else found[0].compare(found[1])


def learning_rates(config: RunConfig, steps: int | None = None) -> LearningRates:
    """Evaluate a config's schedules at steps 0 to `steps` - 1, all steps at once.

    Args:
        config: the run config.
        steps: how many; by default the config's own length, else that of its schedule.

    Raises:
        ConfigError: the config has no learning rate, its numbers make no schedule, or a rate
            grows beyond float32.
        InputError: `steps` is below 1 or above 50 million, or needed and not given.
    """
    if not config.schedules:
        raise ConfigError(f"{config.source}: has no learning rate; give the optimizer one")
    count = _step_count(config, steps)
    groups = tuple(
        group for section in config.schedules for group in _groups(config, section, count)
    )
    return LearningRates(
        source=config.source,
        steps=count,
        groups=groups,
        ignored=tuple(key for section in config.schedules for key in section.all_unused()),
    )


def _step_count(config: RunConfig, steps: int | None) -> int:
    if steps is not None and steps < 1:
        raise InputError(f"steps is {steps}; give a whole number of 1 or more")
    lengths = [section.total_steps() for section in config.schedules]
    count = steps or config.max_steps or max((n for n in lengths if n is not None), default=None)
    if count is None:
        raise InputError(
            f"{config.source}: says neither max_steps nor how long its schedule lasts;"
            " give the number of steps (--steps)"
        )
    if count > LARGEST_STEP_COUNT:
        raise InputError(
            f"{config.source}: {count:,} steps are more than the {LARGEST_STEP_COUNT:,} that are"
            " tabulated; give fewer (--steps)"
        )
    return count


def _groups(config: RunConfig, section: ScheduleSection, count: int) -> Iterator[GroupRates]:
    try:
        rates = _evaluate(section, count)
    except SchedulerError as error:
        raise ConfigError(f"{config.source}: {error}") from error
    name = ", ".join(section.param_group_tags) or ALL_GROUPS
    milestones = tuple(m for m in sorted(set(_milestones(section, 0))) if m < count)
    yield _finite(config, GroupRates(name=name, learning_rate=rates, milestones=milestones))
    for part, factor in config.rate_factors:
        scaled = rates * np.float32(factor)
        yield _finite(config, GroupRates(name=part, learning_rate=scaled, milestones=milestones))


def _evaluate(section: ScheduleSection, count: int) -> NDArray[np.float32]:
    scheduler = build_formula(_RateHolder(), section)
    rates = np.empty(count, dtype=np.float32)
    for start in range(0, count, _CHUNK_STEPS):
        stop = min(start + _CHUNK_STEPS, count)
        rates[start:stop] = scheduler.rates(torch.arange(start, stop)).numpy()
    return rates


def _finite(config: RunConfig, group: GroupRates) -> GroupRates:
    beyond = np.flatnonzero(~np.isfinite(group.learning_rate))
    if beyond.size:
        raise ConfigError(
            f"{config.source}: the learning rate of group {group.name} grows beyond float32 at"
            f" step {beyond[0]}; end the schedule before (--steps), or let it grow less"
        )
    return group


def _milestones(section: ScheduleSection, offset: int) -> Iterator[int]:
    """Steps at which the schedule changes, `offset` being where the section begins."""
    listed = dict(section.arguments).get("milestones")
    if isinstance(listed, list | tuple):
        yield from (offset + milestone for milestone in listed if isinstance(milestone, int))
    yield from (offset + milestone for milestone in section.milestones)
    # the parts of a sequence begin at its milestones, those of a chain with it
    starts = (0, *section.milestones) if section.milestones else (0,) * len(section.parts)
    for start, part in zip(starts, section.parts, strict=False):
        absolute = dict(part.arguments).get("disable_lr_steps_reset", False)
        yield from _milestones(part, offset if absolute else offset + start)
