"""The optimizer and schedule of a request, chosen by name and built on parameters."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import torch

import optimizers
import schedulers
from optimizers import Optimizer
from optimizers.configure import read_section
from optimizers.muon_with_adamw import MuonWithAdamW
from schedulers import LRScheduler, ScheduleSection
from schedulers.configure import build_apart
from schedulers.errors import SchedulerError
from wse_emulator.configs.values import OptimizerSettings, RunConfig
from wse_emulator.errors import ConfigError, InputError, UnknownNameError, near
from wse_emulator.inputs.optimizer_names import unknown_optimizer
from wse_emulator.inputs.schedule_text import finite_rate
from wse_emulator.request import OptimizerChoice, ParameterGroup, Request

ANY_RATE: Final = 1e-3
"""The rate that stands in where a class has no default: no byte and no cycle depends on it."""


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


def optimizer_named(name: str) -> type[Optimizer]:
    """The optimizer of that name, any case.

    Raises:
        UnknownNameError: there is none; the message lists near names.
    """
    known = optimizer_classes()
    for spelled, found in known.items():
        if spelled.lower() == name.lower():
            return found
    raise unknown_optimizer(name)


def configured_choice(config: RunConfig) -> tuple[OptimizerChoice | None, tuple[str, ...]]:
    """The optimizer that a run config names, in the words of its constructor.

    Returns:
        The choice, None if the config names no optimizer; and the keys of its section that the
        optimizer does not take.

    Raises:
        ConfigError: an unknown optimizer, or spellings of an argument that disagree.
    """
    facts = config.optimizer
    if facts is None:
        return None, ()
    try:
        section = read_section(
            {**facts.arguments, "optimizer_type": facts.name, "params": _group_entries(facts)}
        )
    except ValueError as error:
        raise ConfigError(f"{config.source}: {error}") from error
    groups = tuple(
        dataclasses.replace(
            group, arguments={k: v for k, v in read.items() if k not in ("params", "tag")}
        )
        for group, read in zip(facts.groups, section.groups, strict=True)
    )
    choice = OptimizerChoice(
        name=section.optimizer.__name__,
        options=dict(section.arguments),
        groups=groups,
        source=config.source,
    )
    return choice, tuple(section.set_aside)


def _group_entries(facts: OptimizerSettings) -> list[dict[str, object]]:
    return [
        {**group.arguments, "params": group.patterns, "tag": group.tag} for group in facts.groups
    ]


@dataclass(frozen=True, slots=True)
class SchedulersTogether:
    """Schedulers of different parameter groups, stepped as one."""

    schedulers: tuple[schedulers.LRScheduler, ...]

    def step(self) -> None:
        """Step every scheduler once, in order."""
        for scheduler in self.schedulers:
            scheduler.step()


NamedParameters = Iterable[tuple[str, torch.nn.Parameter]]


def build_optimizer(
    parameters: Iterable[torch.nn.Parameter] | NamedParameters,
    choice: OptimizerChoice,
    schedules: Sequence[ScheduleSection] = (),
) -> tuple[Optimizer, tuple[LRScheduler, ...]]:
    """Construct the optimizer, and its schedulers if there is a schedule.

    A parameter belongs to every group one of whose patterns its name matches; the settings of
    later groups win, and schedulers see all their tags. Parameters that belong to the same groups
    form one parameter group, those that match none another. Muon is a rule of matrices: a model's
    other parameters get AdamW's.

    Args:
        parameters: alone, or with their names where the choice has groups.
        choice: class, arguments and groups.
        schedules: none, one for all groups, or one for each tag; each is stepped by itself.

    Raises:
        UnknownNameError: no such optimizer or argument.
        InputError: an argument is out of range; a ConfigError if a run config gave it.
    """
    chosen = optimizer_named(choice.name)
    arguments = _arguments(chosen, choice, scheduled=bool(schedules))
    named = [(p[0], p[1]) if isinstance(p, tuple) else ("", p) for p in parameters]
    construct: Callable[..., Optimizer] = chosen
    if chosen is optimizers.Muon and any(p.dim() < 2 for _, p in named):
        construct = MuonWithAdamW  # a whole model, as its author uses it
    try:
        optimizer = construct(grouped_parameters(named, choice.groups), **arguments)
    except (ValueError, TypeError) as error:
        raise _refused(choice, str(error)) from error
    return optimizer, build_schedulers(optimizer, choice, schedules)


def build_schedulers(
    optimizer: torch.optim.Optimizer, choice: OptimizerChoice, schedules: Sequence[ScheduleSection]
) -> tuple[LRScheduler, ...]:
    """Construct the schedulers of an optimizer, none if there is no schedule.

    Raises:
        InputError: a schedule that cannot be used, or an optimizer without a rate.
    """
    if not schedules:
        return ()
    if not all("lr" in group for group in optimizer.param_groups):
        raise InputError(
            f"{type(optimizer).__name__} has no 'lr' in its parameter groups, so a learning-rate "
            "schedule has nothing to write to"
        )
    try:
        return tuple(build_apart(_driven(optimizer), schedules))
    except (SchedulerError, ValueError, TypeError, RuntimeError) as error:
        raise _refused(choice, f"learning-rate schedule: {error}") from error


def _driven(optimizer: torch.optim.Optimizer) -> Optimizer:
    """What schedulers take as their optimizer: of one of the user's own, its groups."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    stand_in = optimizers.SGD(
        [{"params": group["params"]} for group in optimizer.param_groups], lr=0.0
    )
    stand_in.param_groups = optimizer.param_groups
    return stand_in


def grouped_parameters(
    named: Sequence[tuple[str, torch.nn.Parameter]], groups: Sequence[ParameterGroup]
) -> list[dict[str, object]]:
    """Parameter groups as constructors take them, with the tags that schedulers look for."""
    made: list[dict[str, object]] = []
    for matched, members in parameter_groups(groups, [name for name, _ in named]).items():
        group: dict[str, object] = {"params": [named[index][1] for index in members]}
        for number in matched:
            group |= groups[number].arguments
        tags = [tag for number in matched if (tag := groups[number].tag) is not None]
        made.append(group | {"tags": tags} if tags else group)
    return made


def parameter_groups(
    groups: Sequence[ParameterGroup], names: Sequence[str]
) -> dict[tuple[int, ...], list[int]]:
    """Which names belong together: numbers of the groups they match -> positions of the names.

    In the order in which names first need a group; without ``groups`` all belong together.
    """
    members: dict[tuple[int, ...], list[int]] = {}
    for position, name in enumerate(names):
        matched = tuple(
            index
            for index, group in enumerate(groups)
            if any(fnmatchcase(name, pattern) for pattern in group.patterns)
        )
        members.setdefault(matched, []).append(position)
    return members


def _arguments(
    chosen: type[Optimizer], choice: OptimizerChoice, *, scheduled: bool
) -> Mapping[str, object]:
    """Constructor arguments, checked by name, with a rate where the class asks for one."""
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
        arguments["lr"] = rate_without_default(scheduled=scheduled)
    return arguments


def rate_without_default(*, scheduled: bool) -> float:
    """The rate to build a class with that has no default one, where none is given."""
    return 0.0 if scheduled else ANY_RATE  # a schedule writes the rate before the first step


def check_rate(request: Request, own: Callable[..., object] | None) -> None:
    """See that a request says at which rate its steps are taken, for an answer that tells it.

    Args:
        request: what is asked.
        own: the class or function of the user's own that builds the optimizer, if it is one.

    Raises:
        InputError: neither a flag, a run config nor the class gives a rate.
    """
    choice = request.optimizer
    if choice.own and own is None:
        return  # an object has its rate
    chosen = own or optimizer_named(choice.name)
    given = choice.lr is not None or "lr" in choice.options or bool(request.schedules)
    if not given and "lr" in _required(chosen):
        name = getattr(chosen, "__name__", choice.name)
        raise InputError(
            f"{name} has no default learning rate; give --lr or "
            "--lr-schedule, since the answer tells the rate of each step (wse fit and wse explain "
            "need none)"
        )


def _refused(choice: OptimizerChoice, message: str) -> InputError:
    return ConfigError(f"{choice.source}: {message}") if choice.source else InputError(message)


def _required(chosen: Callable[..., object]) -> set[str]:
    try:
        parameters = inspect.signature(chosen).parameters.values()
    except (TypeError, ValueError):  # some classes written in C have none
        return set()
    return {p.name for p in parameters if p.default is inspect.Parameter.empty}
