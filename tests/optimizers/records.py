"""The optimizers as data: one record a class, for the tests and the tables of the documents.

A record says how to build its class, how not to, and what a step needs besides arithmetic. What
can be asked of the class itself (signature, state) is asked of it and not written here again.
``python -m tests.optimizers.records`` writes the tables into docs/optimizers.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from optimizers import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lamb,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from optimizers.configure import ALIASES, HALVES
from optimizers.rule import UpdateRule
from tests.generated_tables import markdown_table, with_table

PAGE: Final = Path(__file__).parents[2] / "docs" / "optimizers.md"


@dataclass(frozen=True, slots=True)
class Refused:
    """Constructor arguments that are refused with an `ArgumentError`, and part of its message."""

    arguments: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class Collective:
    """A reduction or product over a whole tensor that a step needs, once a parameter.

    `kind` is "all-reduce" (one number), "row-reduce" or "column-reduce" (a vector), or "matmul".
    """

    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRecord:
    """One optimizer class.

    Attributes:
        optimizer: the class.
        accepted: constructor arguments worth testing; the first are the documented defaults,
            with `lr` where it has none.
        refused: constructor arguments that must be refused.
        collectives: what a step needs of the fabric; empty if every element is on its own.
        least_dims: smallest number of dimensions of a parameter.
        addition: not part of the reference release.
    """

    optimizer: type[UpdateRule]
    accepted: tuple[dict[str, Any], ...]
    refused: tuple[Refused, ...]
    collectives: tuple[Collective, ...] = ()
    least_dims: int = 0
    addition: bool = False
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.optimizer.__name__)


_RATE = (
    Refused({"lr": -0.1}, "lr is -0.1; it must be at least 0"),
    Refused({"lr": float("nan")}, "lr is nan; it must be finite"),
)
_BETAS = (
    Refused({"betas": (1.0, 0.9)}, "betas[0] is 1.0; it must be in [0, 1)"),
    Refused({"betas": (0.9, -0.1)}, "betas[1] is -0.1; it must be in [0, 1)"),
    Refused({"betas": 0.9}, "betas is 0.9; it must be a pair"),
)
_EPS = (Refused({"eps": -1e-8}, "eps is -1e-08; it must be at least 0"),)
_DECAY = (Refused({"weight_decay": -0.1}, "weight_decay is -0.1; it must be at least 0"),)


def _below_zero(*names: str) -> tuple[Refused, ...]:
    return tuple(Refused({name: -1.0}, f"{name} is -1.0; it must be") for name in names)


RECORDS: tuple[OptimizerRecord, ...] = (
    OptimizerRecord(
        optimizer=ASGD,
        accepted=(
            {},
            {"lr": 0.05, "lambd": 0.01, "t0": 3.0, "weight_decay": 0.1},
            {"maximize": True},
        ),
        refused=_RATE + _DECAY + _below_zero("lambd", "t0"),
    ),
    OptimizerRecord(
        optimizer=Adadelta,
        accepted=({}, {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}, {"maximize": True}),
        refused=_RATE
        + _EPS
        + _DECAY
        + (Refused({"rho": 1.5}, "rho is 1.5; it must be in [0, 1]"),),
    ),
    OptimizerRecord(
        optimizer=Adafactor,
        accepted=(
            {"lr": 0.01},
            {"lr": 0.01, "weight_decay": 0.1, "scale_parameter": False},
            {"lr": 0.1, "eps": (1e-8, 0.01), "decay_rate": -0.5},
        ),
        refused=(
            Refused({"lr": -0.1}, "lr is -0.1; it must be at least 0"),
            Refused({"lr": 0.1, "clip_threshold": 2.0}, "clip_threshold is 2.0; it must be 1.0"),
            Refused({"lr": 0.1, "beta1": 0.9}, "beta1 is 0.9; it must be None"),
            Refused({"lr": 0.1, "relative_step": True}, "relative_step is True; it must be False"),
            Refused({"lr": 0.1, "warmup_init": True}, "warmup_init is True; it must be False"),
            Refused({"lr": 0.1, "eps": 1e-3}, "eps is 0.001; it must be a pair"),
        ),
        collectives=(
            Collective("all-reduce", "root mean square of the parameter"),
            Collective("row-reduce", "mean square of the gradient along columns"),
            Collective("column-reduce", "mean square of the gradient along rows"),
            Collective("all-reduce", "root mean square of the update"),
        ),
    ),
    OptimizerRecord(
        optimizer=Adagrad,
        accepted=(
            {},
            {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
            {"initial_accumulator_value": 0.5, "maximize": True},
        ),
        refused=_RATE + _EPS + _DECAY + _below_zero("lr_decay", "initial_accumulator_value"),
    ),
    OptimizerRecord(
        optimizer=Adam,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1},
            {"amsgrad": True, "eps": 1e-3},
        ),
        refused=_RATE + _BETAS + _EPS + _DECAY,
    ),
    OptimizerRecord(
        optimizer=AdamW,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.9, 0.95), "weight_decay": 0.1},
            {"correct_bias": False, "amsgrad": True},
        ),
        refused=_RATE + _BETAS + _EPS + _DECAY,
    ),
    OptimizerRecord(
        optimizer=Adamax,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}, {"maximize": True}),
        refused=_RATE + _BETAS + _EPS + _DECAY,
    ),
    OptimizerRecord(
        optimizer=Lamb,
        accepted=({}, {"lr": 0.02, "weight_decay": 0.1}, {"adam": True}),
        refused=_RATE + _BETAS + _EPS,
        collectives=(
            Collective("all-reduce", "norm of the parameter"),
            Collective("all-reduce", "norm of the update"),
        ),
    ),
    OptimizerRecord(
        optimizer=NAdam,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.1},
        ),
        refused=_RATE + _BETAS + _EPS + _DECAY + _below_zero("momentum_decay"),
    ),
    OptimizerRecord(
        optimizer=RAdam,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
        refused=_RATE + _BETAS + _EPS + _DECAY,
    ),
    OptimizerRecord(
        optimizer=RMSprop,
        accepted=(
            {},
            {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1},
            {"centered": True, "eps": 1e-2},
        ),
        refused=_RATE + _EPS + _DECAY + _below_zero("momentum", "alpha"),
    ),
    OptimizerRecord(
        optimizer=Rprop,
        accepted=({}, {"lr": 0.02, "etas": (0.6, 1.1), "step_sizes": (1e-3, 1.0)}),
        refused=(*_RATE, Refused({"etas": 0.5}, "etas is 0.5; it must be a pair")),
    ),
    OptimizerRecord(
        optimizer=SGD,
        accepted=(
            {"lr": 0.1},
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
            {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
        ),
        refused=(
            *_RATE,
            Refused({"lr": 0.1, "momentum": -1.0}, "momentum is -1.0; it must be at least 0"),
            Refused({"lr": 0.1, "weight_decay": -0.1}, "weight_decay is -0.1"),
            Refused({"lr": 0.1, "nesterov": True}, "nesterov is True; it must be False unless"),
        ),
    ),
    OptimizerRecord(
        optimizer=Lion,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
        refused=_RATE + _BETAS + _DECAY,
        addition=True,
    ),
    OptimizerRecord(
        optimizer=Muon,
        accepted=({}, {"lr": 0.1, "nesterov": False, "ns_steps": 3}, {"momentum": 0.0}),
        refused=(
            *_RATE,
            Refused({"momentum": 1.0}, "momentum is 1.0; it must be in [0, 1)"),
            Refused({"ns_steps": -1}, "ns_steps is -1; it must be at least 0"),
        ),
        collectives=(
            Collective("all-reduce", "norm of the momentum"),
            Collective("matmul", "three products an iteration, ns_steps iterations"),
        ),
        least_dims=2,
        addition=True,
    ),
)


def record(name: str) -> OptimizerRecord:
    """The record of the class of that name.

    Raises:
        KeyError: there is none.
    """
    return {entry.name: entry for entry in RECORDS}[name]


def state_bytes(
    optimizer: type[UpdateRule],
    shapes: Iterable[tuple[int, ...]],
    dtype: torch.dtype = torch.float32,
    **arguments: Any,
) -> int:
    """Bytes of all optimizer state for parameters of these shapes; allocates none of them.

    Args:
        optimizer: the class.
        shapes: one shape a parameter.
        dtype: of the parameters.
        **arguments: of the constructor.
    """
    params = [torch.nn.Parameter(torch.empty(s, dtype=dtype, device="meta")) for s in shapes]
    state = optimizer(params, **arguments).state
    return sum(
        t.numel() * t.element_size()
        for p in params
        for t in state.get(p, {}).values()
        if isinstance(t, torch.Tensor)
    )


def state_bytes_per_parameter(entry: OptimizerRecord, dtype: torch.dtype = torch.float32) -> float:
    """Bytes of state a weight, in a square matrix with the first accepted arguments."""
    side = 4096
    return state_bytes(entry.optimizer, [(side, side)], dtype, **entry.accepted[0]) / side**2


def class_table() -> list[str]:
    """Class, state names, bytes of float32 state a weight, collectives: a Markdown table."""
    rows = []
    for entry in RECORDS:
        p = torch.nn.Parameter(torch.empty(4, 4, device="meta"))
        state = entry.optimizer([p], **entry.accepted[0]).state.get(p, {})
        rows.append(
            (
                entry.name,
                ", ".join(state) or "none",
                f"{state_bytes_per_parameter(entry):.3g}",
                "; ".join(f"{c.kind}: {c.what}" for c in entry.collectives) or "none",
            )
        )
    headings = ("class", "state", "bytes a weight", "collectives, once a parameter")
    return markdown_table(headings, rows)


def spelling_table() -> list[str]:
    """Every argument that a run config may spell otherwise, and how: a Markdown table."""
    spellings: dict[str, list[str]] = {}
    for other, argument in ALIASES.items():
        number = ", if it is a number" if argument == "lr" else ""  # it may be a schedule as well
        spellings.setdefault(argument, []).append(f"`{other}`{number}")
    for argument, halves in HALVES.items():
        spellings.setdefault(argument, []).extend(f"`{a}` and `{b}`" for a, b in halves)
    rows = [(f"`{argument}`", "; ".join(others)) for argument, others in spellings.items()]
    return markdown_table(("argument", "other spellings"), rows)


def page_with_tables(page: str) -> str:
    """The text of docs/optimizers.md with its generated tables as the records have them."""
    return with_table(with_table(page, class_table()), spelling_table())


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text()))
