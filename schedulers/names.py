"""Names a run config may use for schedulers and their arguments, and what they mean here."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Final

from schedulers.base import LRScheduler
from schedulers.composition import ChainedScheduler, SequentialLR
from schedulers.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts, CosineDecayLR
from schedulers.cyclic import CyclicLR
from schedulers.decay import (
    ConstantLR,
    ExponentialLR,
    InverseExponentialTimeDecayLR,
    InverseSquareRootDecayLR,
    LinearLR,
    PolynomialLR,
)
from schedulers.errors import (
    ScheduleSectionError,
    UnknownSchedulerError,
    UnsupportedScheduleError,
)
from schedulers.lambdas import LambdaLR, MultiplicativeLR
from schedulers.one_cycle import OneCycleLR
from schedulers.stepwise import MultiStepLR, PiecewiseConstantLR, StepLR

SEQUENTIAL: Final = "SequentialLR"
CHAINED: Final = "ChainedScheduler"

SCHEDULERS: Final[Mapping[str, type[LRScheduler]]] = {
    scheduler.__name__: scheduler
    for scheduler in (
        ConstantLR,
        PolynomialLR,
        LinearLR,
        ExponentialLR,
        InverseExponentialTimeDecayLR,
        InverseSquareRootDecayLR,
        CosineDecayLR,
        SequentialLR,
        PiecewiseConstantLR,
        MultiStepLR,
        StepLR,
        CosineAnnealingLR,
        LambdaLR,
        CosineAnnealingWarmRestarts,
        MultiplicativeLR,
        ChainedScheduler,
        CyclicLR,
        OneCycleLR,
    )
}
"""Every scheduler class of the reference API, by name."""

# "Cosine" is the TensorFlow spelling, whose end is given as a fraction `alpha` of the start.
_SPELLINGS: Final = {"cosine": "CosineDecayLR", "chained": CHAINED, "chainedlr": CHAINED}

_UNSUPPORTED: Final = {
    "cosinedecaywd": "schedules the weight decay, which this package keeps constant; give the"
    " optimizer a weight_decay instead",
    "linearwd": "schedules the weight decay, which this package keeps constant; give the"
    " optimizer a weight_decay instead",
    "scaleperparamlr": "scales the rate by each parameter's norm, which this package does not;"
    " Adafactor with scale_parameter=True does",
}

LENGTH_KEYS: Final = ("steps", "total_iters", "decay_steps")
"""Keys that say how long an entry lasts in a list; the first one present counts."""

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "total_iters": ("decay_steps", "steps"),
    "initial_learning_rate": ("learning_rate", "base_lr"),
    "base_lr": ("learning_rate", "initial_learning_rate"),
    "learning_rates": ("values",),
    "milestones": ("boundaries",),
    "T_max": ("t_max",),
    "T_0": ("t_0",),
    "T_mult": ("t_mult",),
    "gamma": ("decay_rate",),
    "decay_rate": ("gamma",),
}
"""Argument -> other spellings of it, looked up in this order after the argument itself."""


def scheduler_class_name(spelled: str) -> str:
    """The class a config means: any case, with or without the ``LR`` at its end.

    Raises:
        UnsupportedScheduleError: the reference has it and this package does not.
        UnknownSchedulerError: nothing of that name; the message lists the nearest names.
    """
    wanted = spelled.lower()
    if wanted in _SPELLINGS:
        return _SPELLINGS[wanted]
    for name in known_schedulers():
        if wanted in (name.lower(), name.lower().removesuffix("lr")):
            return name
    if wanted in _UNSUPPORTED:
        raise UnsupportedScheduleError(f"{spelled} {_UNSUPPORTED[wanted]}")
    lower = {name.lower().removesuffix("lr"): name for name in known_schedulers()}
    near = difflib.get_close_matches(wanted.removesuffix("lr"), lower, n=3, cutoff=0.5)
    if near:
        hint = f"did you mean one of: {', '.join(lower[name] for name in near)}"
    else:
        hint = f"there are {', '.join(SCHEDULERS)}"
    raise UnknownSchedulerError(f"there is no scheduler {spelled!r}; {hint}")


def known_schedulers() -> dict[str, type[LRScheduler]]:
    """The package's schedulers, and every concrete subclass a user has defined."""
    found = dict(SCHEDULERS)
    for subclass in _subclasses(LRScheduler):
        if not inspect.isabstract(subclass) and not subclass.__module__.startswith("schedulers."):
            found.setdefault(subclass.__name__, subclass)
    return found


def composition_name(main_scheduler: str) -> str:
    """The composition a 1.x list's ``main_scheduler`` names."""
    wanted = main_scheduler.lower().removesuffix("scheduler").removesuffix("lr")
    if wanted == "chained":
        return CHAINED
    if wanted == "sequential":
        return SEQUENTIAL
    raise UnknownSchedulerError(
        f"main_scheduler is {main_scheduler!r}; use 'sequential' or 'chained'"
    )


def resolve_arguments(
    scheduler: str, given: Mapping[str, object], *, spelled: str
) -> tuple[dict[str, object], list[str]]:
    """Arguments of a scheduler's constructor from the keys of a config entry.

    Args:
        scheduler: class name of this package.
        given: the entry's keys and values.
        spelled: the class name as the config wrote it, for messages.

    Returns:
        The arguments by name, and the keys no argument takes.

    Raises:
        ScheduleSectionError: an argument without default is not given.
    """
    parameters = inspect.signature(known_schedulers()[scheduler]).parameters
    resolved: dict[str, object] = {}
    used: set[str] = set()
    for name, parameter in parameters.items():
        if name == "optimizer" or parameter.kind in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        ):
            continue
        spellings = (name, *(s for s in _ALIASES.get(name, ()) if s not in parameters))
        present = [spelling for spelling in spellings if spelling in given]
        if present:
            resolved[name] = given[present[0]]
            used.update(present if name == "total_iters" else present[:1])
        elif name == "end_learning_rate" and "alpha" in given:
            used.add("alpha")  # resolved below, when the initial rate is known
        elif parameter.default is inspect.Parameter.empty:
            raise ScheduleSectionError(
                f"{spelled}: {name} is missing; {scheduler} takes"
                f" {', '.join(n for n in parameters if n != 'optimizer')}"
            )
    if "alpha" in used:
        resolved["end_learning_rate"] = _fraction_of_start(spelled, given["alpha"], resolved)
    unused = [key for key in given if key not in used and key not in LENGTH_KEYS]
    return {n: resolved[n] for n in parameters if n in resolved}, unused


def number(value: object) -> object:
    """`value`, or the number it holds if it is a string that is one (``"6e-06"``, ``"1e5"``)."""
    if not isinstance(value, str):
        return value
    for convert in (int, float):
        try:
            return convert(value)
        except ValueError:
            continue
    return value


def _fraction_of_start(spelled: str, alpha: object, resolved: Mapping[str, object]) -> float:
    start = resolved.get("initial_learning_rate")
    if not isinstance(alpha, int | float) or not isinstance(start, int | float):
        raise ScheduleSectionError(
            f"{spelled}: alpha is {alpha!r}; give the fraction of initial_learning_rate to end at"
        )
    return float(start) * float(alpha)


def _subclasses(of: type) -> Iterator[type[LRScheduler]]:
    subclass: type[LRScheduler]
    for subclass in of.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
