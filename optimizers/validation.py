"""Checks of hyper-parameters, shared by every optimizer.

Each check takes the owner's name (an optimizer class, or a class and a group), the argument's name
and its value; it returns nothing and raises `ArgumentError` (a `ValueError`) naming all three.
NaN and infinities fail every range check. Only the learning rate may be a tensor: it is the one
hyper-parameter that a schedule changes from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from optimizers.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Params = Iterable[torch.Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, torch.Tensor]]

Group = dict[str, Any]
"""A parameter group as `torch.optim` types it: "params", and hyper-parameters by argument name."""

Rate = float | torch.Tensor
"""A learning rate: a Python float, or a 0-dim floating tensor that a schedule writes in place."""

Check = Callable[[str, str, object], None]
"""One of the checks below: called with owner, name of the argument and value."""


def checks(**ranges: Check) -> Mapping[str, Check]:
    """The check of each hyper-parameter by its name, as a class states them in `ranges`."""
    return MappingProxyType(ranges)


def finite_number(owner: str, name: str, value: object) -> None:
    """Require a finite Python number (not a bool, a string or a tensor)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentError(owner, name, value, "a number")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an int beyond float64
        finite = False
    if not finite:
        raise ArgumentError(owner, name, value, "finite")


def at_least_zero(owner: str, name: str, value: object) -> None:
    """Require a finite number of at least 0."""
    finite_number(owner, name, value)
    if value < 0:  # type: ignore[operator]  # finite_number has established a real number
        raise ArgumentError(owner, name, value, "at least 0")


def above_zero(owner: str, name: str, value: object) -> None:
    """Require a finite number above 0."""
    finite_number(owner, name, value)
    if value <= 0:  # type: ignore[operator]  # finite_number has established a real number
        raise ArgumentError(owner, name, value, "above 0")


def below_one(owner: str, name: str, value: object) -> None:
    """Require a number in [0, 1)."""
    finite_number(owner, name, value)
    if not 0 <= value < 1:  # type: ignore[operator]  # finite_number has established a real number
        raise ArgumentError(owner, name, value, "in [0, 1)")


def fraction(owner: str, name: str, value: object) -> None:
    """Require a number in [0, 1]."""
    finite_number(owner, name, value)
    if not 0 <= value <= 1:  # type: ignore[operator]  # finite_number has established a real number
        raise ArgumentError(owner, name, value, "in [0, 1]")


def count(owner: str, name: str, value: object) -> None:
    """Require an integer of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentError(owner, name, value, "an integer")
    if value < 0:
        raise ArgumentError(owner, name, value, "at least 0")


def flag(owner: str, name: str, value: object) -> None:
    """Require True or False."""
    if not isinstance(value, bool):
        raise ArgumentError(owner, name, value, "True or False")


def pair_of(check: Check) -> Check:
    """A check that requires two values, each of which passes ``check``."""

    def check_pair(owner: str, name: str, value: object) -> None:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ArgumentError(owner, name, value, "a pair of numbers")
        for index, one in enumerate(value):
            check(owner, f"{name}[{index}]", one)

    return check_pair


betas = pair_of(below_one)
"""Require two decay rates, each in [0, 1)."""


def rate(owner: str, name: str, value: object) -> None:
    """Require a learning rate: a finite number of at least 0, or a 0-dim floating tensor of one.

    A tensor on the meta device holds no value, so only its shape and dtype are checked.
    """
    if isinstance(value, torch.Tensor):
        if value.dim() != 0 or not value.is_floating_point():
            shape = tuple(value.shape)
            raise ArgumentError(
                owner, name, f"a {value.dtype} tensor of shape {shape}", "a 0-dim floating tensor"
            )
        if value.device.type == "meta":
            return
        value = value.item()
    at_least_zero(owner, name, value)


def rate_value(rate: Rate) -> float:
    """The value of a learning rate during construction; 0.0 for a meta tensor, which has none."""
    if isinstance(rate, torch.Tensor):
        return 0.0 if rate.device.type == "meta" else float(rate)
    return float(rate)
