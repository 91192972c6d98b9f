"""Checks of the arguments a schedule is built from.

Each takes the scheduler and the argument's name, for the message, and returns the value as a plain
``int`` or ``float``.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from schedulers.errors import HyperparameterError, HyperparameterTypeError, MilestoneError

FLOAT32_LARGEST = 3.4028234663852886e38
INT64_LARGEST = 2**63 - 1


def finite(scheduler: object, name: str, value: object) -> float:
    """A finite number that float32 can hold."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise HyperparameterTypeError(
            f"{_name(scheduler)}: {name} must be a number, got {value!r} ({type(value).__name__})"
        )
    try:
        number = float(value)
    except OverflowError:  # an int beyond float64
        number = math.inf
    if not math.isfinite(number) or abs(number) > FLOAT32_LARGEST:
        raise HyperparameterError(
            f"{_name(scheduler)}: {name} is {number!r}; give a finite number within float32"
        )
    return number


def rate(scheduler: object, name: str, value: object) -> float:
    """A learning rate: finite and not negative."""
    number = finite(scheduler, name, value)
    if number < 0:
        raise HyperparameterError(
            f"{_name(scheduler)}: {name} is {number!r}; a learning rate cannot be negative"
        )
    return number


def factor(scheduler: object, name: str, value: object) -> float:
    """A multiplicative factor: finite and not negative (powers of it stay real)."""
    number = finite(scheduler, name, value)
    if number < 0:
        raise HyperparameterError(
            f"{_name(scheduler)}: {name} is {number!r}; a factor of the rate cannot be negative"
        )
    return number


def positive(scheduler: object, name: str, value: object) -> float:
    """A finite number above zero."""
    number = finite(scheduler, name, value)
    if number <= 0:
        raise HyperparameterError(f"{_name(scheduler)}: {name} is {number!r}, not above 0")
    return number


def positive_steps(scheduler: object, name: str, value: object) -> int:
    """A count of steps, at least 1. A float is taken when it is a whole number (``1000.0``)."""
    number = value
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise HyperparameterError(
            f"{_name(scheduler)}: {name} is {number!r}; give a whole number of steps, 1 or more"
        )
    if isinstance(number, bool) or not isinstance(number, SupportsIndex):
        raise HyperparameterTypeError(
            f"{_name(scheduler)}: {name} must be a whole number of steps, got {value!r}"
            f" ({type(value).__name__})"
        )
    count = operator.index(number)
    if not 1 <= count <= INT64_LARGEST:
        raise HyperparameterError(
            f"{_name(scheduler)}: {name} is {count}; give a whole number of steps, 1 or more"
        )
    return count


def increasing_milestones(scheduler: object, values: object) -> list[int]:
    """Step indices, each at least 1 and above the one before. NumPy integers are taken."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise HyperparameterTypeError(
            f"{_name(scheduler)}: milestones must be a list of step indices, got {values!r}"
        )
    milestones: list[int] = []
    for position, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, SupportsIndex):
            raise HyperparameterTypeError(
                f"{_name(scheduler)}: milestones[{position}] must be an int, got {value!r}"
                f" ({type(value).__name__})"
            )
        milestone = operator.index(value)
        if not 1 <= milestone <= INT64_LARGEST:
            raise MilestoneError(
                f"{_name(scheduler)}: milestones[{position}] is {milestone};"
                " a milestone is a step index of 1 or more"
            )
        if milestones and milestone <= milestones[-1]:
            raise MilestoneError(
                f"{_name(scheduler)}: milestones must increase, but milestones[{position}] ="
                f" {milestone} follows {milestones[-1]}"
            )
        milestones.append(milestone)
    return milestones


def rate_list(scheduler: object, name: str, values: object) -> list[float]:
    """A list of learning rates, at least one."""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise HyperparameterTypeError(
            f"{_name(scheduler)}: {name} must be a list of learning rates, got {values!r}"
        )
    if not values:
        raise HyperparameterError(f"{_name(scheduler)}: {name} is empty; give at least one rate")
    return [rate(scheduler, f"{name}[{i}]", value) for i, value in enumerate(values)]


def _name(scheduler: object) -> str:
    return type(scheduler).__name__
