"""Python numbers of the parameter groups that the host writes between steps, such as the rate.

A schedule of torch writes the rate as a Python number, and the step computes others from it:
``p.add_(grad, alpha=-lr)``. On the wafer the host sends such numbers before the step. To tell them
from a number that the step itself changes, each is followed through the arithmetic of the step by
its formula, ``-lr``: two steps agree where the formulas do.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import torch

from wse_emulator.program import Argument, Arguments, TensorOp, Value, ValueKind

RATE: Final = "lr"

Number = int | float


@dataclass(frozen=True, slots=True)
class Formulas:
    """The numbers that one step computed from the Python numbers of the groups.

    Attributes:
        given: the groups' numbers by name: ``lr[0]``, ``betas[0][1]``.
        made: number -> the formulas that gave it, each with the names in it.
    """

    given: dict[str, Number] = field(default_factory=dict)
    made: dict[Number, dict[str, frozenset[str]]] = field(default_factory=dict)

    def agree(self, number: Number, later: Formulas, other: Number, *, every: bool) -> bool:
        """Whether a number is the same as another of a later step, beside what the host changed.

        They have one formula, and the numbers in it that are not the host's are equal.
        """
        theirs = later.made.get(other, {})
        return any(
            formula in theirs and all(self._is_kept(name, later, every) for name in names)
            for formula, names in self.made.get(number, {}).items()
        )

    def _is_kept(self, name: str, later: Formulas, every: bool) -> bool:
        key = name.partition("[")[0]
        return is_host_number(key, every) or self.given[name] == later.given.get(name)


class _FollowedFloat(float):
    formula: str
    names: frozenset[str]
    formulas: Formulas

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)  # a copy is a plain number


class _FollowedInt(int):
    formula: str
    names: frozenset[str]
    formulas: Formulas

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


_Followed = _FollowedFloat | _FollowedInt


def _apply(operation: Callable[..., object], sign: str, *operands: object) -> object:
    """The result of an operation on plain numbers, followed if there is one number behind it."""
    if not all(isinstance(operand, Number) for operand in operands):
        return NotImplemented  # a tensor does it by itself
    followed = [x for x in operands if isinstance(x, _Followed)]
    result = operation(*(plain_number(operand) for operand in operands))
    texts = [x.formula if isinstance(x, _Followed) else repr(x) for x in operands]
    formula = f"({texts[0]}{sign}{texts[1]})" if len(texts) == 2 else f"({sign}{texts[0]})"
    names = frozenset().union(*(x.names for x in followed))
    return _followed(result, formula, names, followed[0].formulas)


def _follow_arithmetic(kind: type[_Followed]) -> None:
    """Give a kind of number operators whose results are followed."""

    def two_sided(operation: Callable[..., object], sign: str) -> tuple[object, object]:
        def forward(self: _Followed, other: object) -> object:
            return _apply(operation, sign, self, other)

        def reflected(self: _Followed, other: object) -> object:
            return _apply(operation, sign, other, self)

        return forward, reflected

    operations = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**"}
    for name, sign in operations.items():
        forward, reflected = two_sided(getattr(operator, name), sign)
        setattr(kind, f"__{name}__", forward)
        setattr(kind, f"__r{name}__", reflected)
    setattr(kind, "__neg__", lambda self: _apply(operator.neg, "-", self))  # noqa: B010  # as above


_follow_arithmetic(_FollowedFloat)
_follow_arithmetic(_FollowedInt)


def plain_number(value: object) -> object:
    """A followed number as the plain number that it is; anything else as it is."""
    if isinstance(value, _FollowedFloat):
        return float(value)
    return int(value) if isinstance(value, _FollowedInt) else value


def _follow(value: object, name: str, formulas: Formulas) -> object:
    """A number of a group that is followed from now on, in lists and tuples too."""
    if type(value) is tuple or type(value) is list:
        items = [_follow(item, f"{name}[{i}]", formulas) for i, item in enumerate(value)]
        return type(value)(items)
    made = _followed(value, name, frozenset({name}), formulas)
    if isinstance(made, Number) and isinstance(value, Number) and made is not value:
        formulas.given[name] = value
    return made


def _followed(value: object, formula: str, names: frozenset[str], formulas: Formulas) -> object:
    """A number with its formula; anything else, and numbers of other libraries, as they are."""
    made: _FollowedFloat | _FollowedInt
    if type(value) is float:
        made = _FollowedFloat(value)
    elif type(value) is int:
        made = _FollowedInt(value)
    else:
        return value
    made.formula, made.names, made.formulas = formula, names, formulas
    formulas.made.setdefault(value, {})[formula] = names
    return made


def is_host_number(key: str, every: bool) -> bool:
    """Whether the host may write the Python numbers under a key of the groups between steps.

    Args:
        key: name of the hyper-parameter.
        every: a schedule of torch runs on the host; some of them write momenta beside the rate.
    """
    return key == RATE or (every and key != "params")


@contextmanager
def following(optimizer: torch.optim.Optimizer) -> Iterator[Formulas]:
    """Follow the groups' numbers through what is called inside, and put the plain ones back."""
    formulas = Formulas()
    put: list[tuple[dict[str, object], str, object, object]] = []
    for number, group in enumerate(optimizer.param_groups):
        for key, value in group.items():
            if key == "params":
                continue
            made = _follow(value, f"{key}[{number}]", formulas)
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
                group[key] = plain_number(group[key])


def as_in_first(
    first: Sequence[TensorOp],
    now: Sequence[TensorOp],
    formulas: tuple[Formulas, Formulas],
    *,
    every: bool,
) -> tuple[TensorOp, ...]:
    """The ops of a later step, with what the host's numbers gave in the first step.

    Args:
        first: the ops of the first step.
        now: those of the later one.
        formulas: the formulas of the two.
        every: all numbers of the groups are the host's, not the rate alone.
    """

    def agreed(was: Argument, number: Argument) -> Argument:
        if isinstance(was, tuple) and isinstance(number, tuple) and len(was) == len(number):
            return tuple(agreed(a, b) for a, b in zip(was, number, strict=True))
        if not isinstance(was, Number) or not isinstance(number, Number):
            return number
        return was if formulas[0].agree(was, formulas[1], number, every=every) else number

    def aligned(was: TensorOp, op: TensorOp) -> TensorOp:
        if was.arguments == op.arguments or list(was.arguments) != list(op.arguments):
            return op
        pairs = zip(op.arguments, was.arguments.values(), op.arguments.values(), strict=True)
        return dataclasses.replace(op, arguments=Arguments({k: agreed(a, b) for k, a, b in pairs}))

    ops = tuple(aligned(a, b) for a, b in zip(first, now, strict=False))
    return (*ops, *now[len(ops) :])


def constants_as_in_first(
    first: Sequence[Value],
    now: Sequence[Value],
    formulas: tuple[Formulas, Formulas],
    *,
    every: bool,
) -> tuple[Value, ...]:
    """The values of a later step, with the first's names for tensors made of the host's numbers.

    ``torch.tensor(lr)`` is named after its number, ``tensor(0.1)``. The arguments are those of
    :func:`as_in_first`.
    """
    known = {value.name: number for value in first if (number := _number_of(value)) is not None}

    def named(value: Value) -> str:
        number = _number_of(value)
        if number is None or value.name in known:
            return value.name
        pairs = known.items()
        alike = (k for k, was in pairs if formulas[0].agree(was, formulas[1], number, every=every))
        return next(alike, value.name)

    return tuple(dataclasses.replace(value, name=named(value)) for value in now)


def _number_of(value: Value) -> Number | None:
    """The number that a constant was made of, by its name."""
    if value.kind is not ValueKind.CONSTANT or not value.name.startswith("tensor("):
        return None
    try:
        return float(value.name.removeprefix("tensor(").removesuffix(")"))
    except ValueError:
        return None
