"""The optimizer and schedule a user names, built on the parameters of a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch

import optimizers
import schedulers
from optimizers import Optimizer
from schedulers.errors import SchedulerError
from wse_emulator.errors import InputError, UnknownNameError
from wse_emulator.inputs.muon_with_adamw import MuonWithAdamW
from wse_emulator.inputs.schedule_text import LearningRate, finite_rate
from wse_emulator.near_names import near

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
