"""What is known of an optimizer beside its class: a record, for the tests and the documents.

A record says how to build its class, how not to, and what a step needs besides arithmetic; and it
has the update rule once more, in NumPy and float64. Scalars are exact float64 there; the
implementation keeps some in float32, which the tests' tolerances allow for. What can be asked of
the class itself (signature, state) is asked of it and not written here again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimizers.rule import UpdateRule

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Trajectory = Iterator[Array]


@dataclass(frozen=True, slots=True)
class Refused:
    """Constructor arguments that are refused with an `ArgumentError`, and part of its message."""

    arguments: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class Collective:
    """A reduction or product over a whole tensor that a step needs, once per parameter.

    `kind` is "all-reduce" (one number), "row-reduce" or "column-reduce" (a vector), or "matmul".
    """

    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRecord:
    """One optimizer class.

    Attributes:
        optimizer: the class.
        formula: its rule once more, written from the formula alone; takes a start, the gradients
            and constructor arguments, and yields the parameter after each gradient.
        accepted: constructor arguments worth testing; the first are the documented defaults,
            with `lr` where it has none.
        refused: constructor arguments that must be refused.
        collectives: what a step needs of the fabric; empty if every element is on its own.
        least_dims: smallest number of dimensions of a parameter.
        addition: not part of the reference release.
    """

    optimizer: type[UpdateRule]
    formula: Callable[..., Trajectory]
    accepted: tuple[dict[str, Any], ...]
    refused: tuple[Refused, ...]
    collectives: tuple[Collective, ...] = ()
    least_dims: int = 0
    addition: bool = False
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.optimizer.__name__)


RATE = (
    Refused({"lr": -0.1}, "lr is -0.1; it must be at least 0"),
    Refused({"lr": float("nan")}, "lr is nan; it must be finite"),
)
BETAS = (
    Refused({"betas": (1.0, 0.9)}, "betas[0] is 1.0; it must be in [0, 1)"),
    Refused({"betas": (0.9, -0.1)}, "betas[1] is -0.1; it must be in [0, 1)"),
    Refused({"betas": 0.9}, "betas is 0.9; it must be a pair"),
)
EPS = (Refused({"eps": -1e-8}, "eps is -1e-08; it must be at least 0"),)
DECAY = (Refused({"weight_decay": -0.1}, "weight_decay is -0.1; it must be at least 0"),)


def below_zero(*names: str) -> tuple[Refused, ...]:
    return tuple(Refused({name: -1.0}, f"{name} is -1.0; it must be") for name in names)


def regularized(g: Array, p: Array, weight_decay: float, maximize: bool) -> Array:
    return (-g if maximize else g) + weight_decay * p


def rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x**2))) if x.size else 0.0
