"""Python numbers of the parameter groups that the host writes between steps, such as the rate.

A schedule of torch writes the rate as a Python number, and the step computes others from it:
``p.add_(grad, alpha=-lr)``. On the wafer the host sends such numbers before the step. To tell them
from a number that the step itself changes, each is followed through the arithmetic of the step by
its formula, ``-lr``: two steps agree where the formulas do.
"""

from __future__ import annotations

import dataclasses
import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import torch

from wse_emulator.program import Argument, Arguments, TensorOp

RATE: Final = "lr"

Number = int | float


@dataclass(frozen=True, slots=True)
class Formulas:
    """The numbers that were computed in one step from those of the host.

    Attributes:
        of: number -> formulas that gave it, by the names of the host's numbers.
    """

    of: dict[Number, set[str]] = field(default_factory=lambda: defaultdict(set))


class _Followed:
    """A number that knows its formula; what is computed from it does too."""

    formula: str
    formulas: Formulas

    def __neg__(self) -> object:
        return _apply(operator.neg, "-", self)

    def __add__(self, other: object) -> object:
        return _apply(operator.add, "+", self, other)

    def __radd__(self, other: object) -> object:
        return _apply(operator.add, "+", other, self)

    def __sub__(self, other: object) -> object:
        return _apply(operator.sub, "-", self, other)

    def __rsub__(self, other: object) -> object:
        return _apply(operator.sub, "-", other, self)

    def __mul__(self, other: object) -> object:
        return _apply(operator.mul, "*", self, other)

    def __rmul__(self, other: object) -> object:
        return _apply(operator.mul, "*", other, self)

    def __truediv__(self, other: object) -> object:
        return _apply(operator.truediv, "/", self, other)

    def __rtruediv__(self, other: object) -> object:
        return _apply(operator.truediv, "/", other, self)

    def __pow__(self, other: object) -> object:
        return _apply(operator.pow, "**", self, other)

    def __rpow__(self, other: object) -> object:
        return _apply(operator.pow, "**", other, self)


class _FollowedFloat(_Followed, float):
    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)  # a copy is a plain number


class _FollowedInt(_Followed, int):
    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


def _apply(operation: Callable[..., object], sign: str, *operands: object) -> object:
    """The result of an operation on plain numbers, followed if there is one number behind it."""
    if not all(isinstance(operand, Number) for operand in operands):
        return NotImplemented  # a tensor does it by itself
    followed = next(x for x in operands if isinstance(x, _Followed))
    result = operation(*(plain(operand) for operand in operands))
    texts = [x.formula if isinstance(x, _Followed) else repr(x) for x in operands]
    formula = f"({texts[0]}{sign}{texts[1]})" if len(texts) == 2 else f"({sign}{texts[0]})"
    return follow(result, formula, followed.formulas)


def plain(value: object) -> object:
    """A followed number as the plain number that it is; anything else as it is."""
    if isinstance(value, _FollowedFloat):
        return float(value)
    return int(value) if isinstance(value, _FollowedInt) else value


def follow(value: object, formula: str, formulas: Formulas) -> object:
    """A number that is followed from now on, in lists and tuples too; anything else as it is."""
    made: _FollowedFloat | _FollowedInt
    if type(value) is float:
        made = _FollowedFloat(value)
    elif type(value) is int:
        made = _FollowedInt(value)
    elif type(value) in (tuple, list):
        items = [follow(x, f"{formula}[{i}]", formulas) for i, x in enumerate(value)]  # type: ignore[arg-type, var-annotated]  # told by its type
        return type(value)(items)  # type: ignore[call-arg]
    else:
        return value
    made.formula, made.formulas = formula, formulas
    formulas.of[value].add(formula)
    return made


def is_host_number(key: str, every: bool) -> bool:
    """Whether the host may write the Python numbers under a key of the groups between steps.

    Args:
        key: name of the hyper-parameter.
        every: a schedule of torch runs on the host; some of them write momenta beside the rate.
    """
    return key == RATE or (every and key != "params")


@contextmanager
def following(optimizer: torch.optim.Optimizer, *, every: bool) -> Iterator[Formulas]:
    """Follow the host's numbers through what is called inside, and put the plain ones back."""
    formulas = Formulas()
    put: list[tuple[dict[str, object], str, object, object]] = []
    for number, group in enumerate(optimizer.param_groups):
        for key, value in group.items():
            if not is_host_number(key, every):
                continue
            made = follow(value, f"{key}[{number}]", formulas)
            if made is not value:
                put.append((group, key, value, made))
    for group, key, _, made in put:
        group[key] = made
    try:
        yield formulas
    finally:
        for group, key, value, made in put:
            if group.get(key) is made:
                group[key] = value
            elif key in group:
                group[key] = plain(group[key])


def as_in_first(
    first: Sequence[TensorOp], now: Sequence[TensorOp], formulas: tuple[Formulas, Formulas]
) -> tuple[TensorOp, ...]:
    """The ops of a later step, with what the host's numbers gave in the first step.

    A number that differs from the first step's is taken for the same where both have one formula;
    ``formulas`` are those of the two steps.
    """
    aligned = tuple(_aligned(a, b, formulas) for a, b in zip(first, now, strict=False))
    return (*aligned, *now[len(aligned) :])


def _aligned(first: TensorOp, now: TensorOp, formulas: tuple[Formulas, Formulas]) -> TensorOp:
    if first.arguments == now.arguments or list(first.arguments) != list(now.arguments):
        return now
    pairs = zip(now.arguments, first.arguments.values(), now.arguments.values(), strict=True)
    arguments = {name: _agreed(a, b, formulas) for name, a, b in pairs}
    return dataclasses.replace(now, arguments=Arguments(arguments))


def _agreed(first: Argument, now: Argument, formulas: tuple[Formulas, Formulas]) -> Argument:
    if isinstance(first, tuple) and isinstance(now, tuple) and len(first) == len(now):
        return tuple(_agreed(a, b, formulas) for a, b in zip(first, now, strict=True))
    if not isinstance(first, Number) or not isinstance(now, Number):
        return now
    in_both = formulas[0].of.get(first, set()) & formulas[1].of.get(now, set())
    return first if in_both else now
