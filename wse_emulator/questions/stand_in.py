"""A class of optimizers that is given alone is built on a small model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Final

import torch
from torch import nn

from wse_emulator.errors import FactoryError

RATE: Final = 0.01
"""The learning rate for a class that has no default one."""


def built_on_stand_in(
    kind: type[torch.optim.Optimizer], text: str
) -> tuple[Callable[[], object], tuple[str, ...]]:
    """What builds a class of optimizers on a small model, and a sentence that says so.

    Returns:
        A function that returns the optimizer and its model; raises FactoryError for a class that
        takes no parameters, asks for more than a rate, or raises.
    """

    make: Callable[..., torch.optim.Optimizer] = kind

    def build() -> object:
        arguments = _arguments(kind, text)
        errors = []
        for shapes in ("matrices and vectors", "matrices"):
            model = _model(shapes)
            try:
                return make(list(model.parameters()), **arguments), model
            except Exception as error:  # some, as Muon, take matrices alone
                errors.append(error)
        first = errors[0]
        raise FactoryError(f"{text} raised {type(first).__name__}: {first}") from first

    return build, (
        f"{text} is a class; it was built on a small model with the defaults of its constructor.",
    )


def _model(shapes: str) -> nn.Module:
    bias = shapes != "matrices"
    return nn.Sequential(nn.Linear(8, 12, bias=bias), nn.Tanh(), nn.Linear(12, 4, bias=bias))


def _arguments(kind: type[torch.optim.Optimizer], text: str) -> dict[str, float]:
    try:
        _, *others = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return {}
    needed = [
        p.name
        for p in others
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed not in ([], ["lr"]):
        raise FactoryError(
            f"{text} is a class whose constructor asks for {' and '.join(needed)}; give a function "
            "without arguments that returns an optimizer"
        )
    return dict.fromkeys(needed, RATE)
