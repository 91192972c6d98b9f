"""The optimizer and schedule a user names, built on the parameters of a model."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

import torch

import optimizers
import schedulers
from optimizers import Optimizer, configure_optimizer
from optimizers.configure import read_section
from optimizers.errors import IgnoredKeyWarning
from optimizers.muon_with_adamw import MuonWithAdamW
from schedulers import LRScheduler
from schedulers.configure import build_apart
from schedulers.errors import SchedulerError
from wse_emulator.configs.values import OptimizerSettings, RunConfig
from wse_emulator.errors import ConfigError, InputError, UnknownNameError, near
from wse_emulator.inputs.schedule_text import LearningRate, finite_rate

DEFAULT_OPTIMIZER: Final = "AdamW"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerChoice:
    """What a user asks for.

    Attributes:
        name: class name of the optimizer, any case.
        lr: the rate; None for the class default or where a schedule gives it.
        options: further constructor arguments by name.
        learning_rate: a schedule as ``schedulers.configure_lr_scheduler`` takes it, or None.
    """

    name: str = DEFAULT_OPTIMIZER
    lr: float | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    learning_rate: LearningRate | None = None


def optimizer_classes() -> dict[str, type[Optimizer]]:
    """Class name -> class, of every optimizer a user may name."""
    found = {}
    for name in optimizers.__all__:
        candidate = getattr(optimizers, name)
        if (
            inspect.isclass(candidate)
            and issubclass(candidate, Optimizer)
            and not inspect.isabstract(candidate)
        ):
            found[name] = candidate
    found.pop("AdamBase", None)  # the common base of Adam and AdamW, no rule of its own
    return found


def optimizer_class(name: str) -> type[Optimizer]:
    """The optimizer of that name, any case.

    Raises:
        UnknownNameError: there is none; the message lists near names.
    """
    known = optimizer_classes()
    for spelled, found in known.items():
        if spelled.lower() == name.lower():
            return found
    raise UnknownNameError(
        f"unknown optimizer {name!r}{near(name, known)}; there are {', '.join(sorted(known))}"
    )


@dataclass(frozen=True, slots=True)
class SchedulersTogether:
    """Schedulers of different parameter groups, stepped as one."""

    schedulers: tuple[schedulers.LRScheduler, ...]

    def step(self) -> None:
        """One step of each, in order."""
        for scheduler in self.schedulers:
            scheduler.step()


def build_optimizer(
    parameters: Iterable[torch.nn.Parameter], choice: OptimizerChoice
) -> tuple[Optimizer, schedulers.LRScheduler | None]:
    """Construct the optimizer, and its scheduler if a schedule is asked for.

    Muon is a rule of matrices: a model's other parameters get AdamW's.

    Raises:
        UnknownNameError: no such optimizer, scheduler, or argument.
        InputError: an argument is missing or out of range.
    """
    chosen = optimizer_class(choice.name)
    accepted = [p for p in inspect.signature(chosen).parameters if p != "params"]
    for option in choice.options:
        if option not in accepted:
            raise UnknownNameError(
                f"{chosen.__name__} has no option {option!r}{near(option, accepted)}; it takes "
                f"{', '.join(accepted)}"
            )
    arguments = dict(choice.options)
    if choice.lr is not None:
        arguments["lr"] = finite_rate("--lr", choice.lr)
    elif "lr" not in arguments and "lr" in _required(chosen):
        if choice.learning_rate is None:
            raise InputError(f"{chosen.__name__} has no default learning rate; give --lr")
        arguments["lr"] = 0.0  # the schedule writes the rate before the first step
    given = list(parameters)
    construct: Callable[..., Optimizer] = chosen
    if chosen is optimizers.Muon and any(p.dim() < 2 for p in given):
        construct = MuonWithAdamW  # a whole model, as its author uses it
    try:
        optimizer = construct(given, **arguments)
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error
    if choice.learning_rate is None:
        return optimizer, None
    rate = choice.learning_rate
    if isinstance(rate, (int, float)):  # by itself, 0 would mean no schedule at all
        rate = {"scheduler": "ConstantLR", "learning_rate": float(rate)}
    try:
        scheduler = schedulers.configure_lr_scheduler(optimizer, rate)
    except (SchedulerError, ValueError, TypeError) as error:
        raise InputError(f"learning-rate schedule: {error}") from error
    return optimizer, scheduler


def _required(chosen: type[Optimizer]) -> set[str]:
    parameters = inspect.signature(chosen).parameters.values()
    return {p.name for p in parameters if p.default is inspect.Parameter.empty}


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
