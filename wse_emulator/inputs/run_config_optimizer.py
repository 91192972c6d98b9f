"""The optimizer and the schedulers of a run config, built on the parameters of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch

from optimizers import Optimizer, configure_optimizer
from optimizers.configure import read_section
from optimizers.errors import IgnoredKeyWarning
from schedulers import LRScheduler
from schedulers.configure import build_apart
from schedulers.errors import SchedulerError
from wse_emulator.configs.values import OptimizerSettings, RunConfig
from wse_emulator.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredOptimizer:
    """What a run config makes of a model's parameters.

    Attributes:
        optimizer: built on all parameters.
        schedulers: none, one for all groups, or one for each tag; each is stepped by itself.
        ignored: keys of the optimizer section that the optimizer does not take.
    """

    optimizer: Optimizer
    schedulers: tuple[LRScheduler, ...]
    ignored: tuple[str, ...]


def build_configured_optimizer(
    config: RunConfig, parameters: Iterable[tuple[str, torch.nn.Parameter]]
) -> ConfiguredOptimizer:
    """Build the optimizer and the schedulers a config asks for.

    A parameter belongs to every group of the config one of whose patterns its name matches; the
    settings of later groups win, and schedulers see all their tags. Parameters that belong to the
    same groups form one parameter group, those that match none another.

    Args:
        config: the run config.
        parameters: the model's parameters with their names.

    Raises:
        ConfigError: the config names no optimizer or an unknown one, or its numbers are refused.
    """
    facts = config.optimizer
    if facts is None:
        raise ConfigError(f"{config.source}: names no optimizer; give an optimizer section")
    named = list(parameters)
    groups = _parameter_groups(facts, named)
    try:
        section = read_section({**facts.arguments, "optimizer_type": facts.name})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IgnoredKeyWarning)  # handed over as `ignored`
            optimizer = configure_optimizer(
                facts.name,
                [{"params": params, **own} for params, own, _ in groups],
                **facts.arguments,
            )
        for group, (_, _, tags) in zip(optimizer.param_groups, groups, strict=True):
            if tags:
                group["tags"] = list(tags)
        schedulers = tuple(build_apart(optimizer, config.schedules))
    except (SchedulerError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{config.source}: {error}") from error
    return ConfiguredOptimizer(
        optimizer=optimizer, schedulers=schedulers, ignored=tuple(section.set_aside)
    )


def _parameter_groups(
    facts: OptimizerSettings, named: list[tuple[str, torch.nn.Parameter]]
) -> list[tuple[list[torch.nn.Parameter], Mapping[str, object], tuple[str, ...]]]:
    """Parameters, own arguments and tags of each group, in the order parameters first need it."""
    members: dict[tuple[int, ...], list[torch.nn.Parameter]] = {}
    for name, parameter in named:
        matched = tuple(
            index
            for index, group in enumerate(facts.groups)
            if any(fnmatchcase(name, pattern) for pattern in group.patterns)
        )
        members.setdefault(matched, []).append(parameter)
    return [
        (
            parameters,
            {k: v for i in matched for k, v in facts.groups[i].arguments.items()},
            tuple(tag for i in matched if (tag := facts.groups[i].tag) is not None),
        )
        for matched, parameters in members.items()
    ]
