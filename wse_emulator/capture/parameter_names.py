"""A name for every parameter of an optimizer: that of its model, or its place in the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch

from wse_emulator.models.modules import refuse_unsized

UNJUDGED: Final = "could not be judged: parameter"
"""How a refusal begins in an answer of a judge."""


def parameter_names(
    optimizer: torch.optim.Optimizer, model: torch.nn.Module | None = None
) -> list[str]:
    """A name for every parameter of the optimizer, in group order.

    Names come from ``model.named_parameters()``; a parameter the model does not know is called
    by its place: ``param_groups[0][3]``.

    Raises:
        InputError: one has no size before the model's first forward pass.
    """
    known = {} if model is None else {id(p): name for name, p in model.named_parameters()}
    return list(names_in_groups(optimizer, known, "parameter"))


def names_in_groups(
    optimizer: torch.optim.Optimizer, known: Mapping[int, str], where: str
) -> tuple[str, ...]:
    """The same by known names: ``id`` of a parameter -> its name; ``where`` begins a refusal.

    Raises:
        InputError: one has no size before the model's first forward pass.
    """
    named = [
        (known.get(id(p), f"param_groups[{g}][{i}]"), p)
        for g, group in enumerate(optimizer.param_groups)
        for i, p in enumerate(group["params"])
    ]
    refuse_unsized(named, where)
    return tuple(name for name, _ in named)


def names_of_parameters(models: Sequence[torch.nn.Module]) -> dict[int, str]:
    """``id`` of a parameter -> its name; where models share names, with the model's number.

    Raises:
        InputError: a parameter has no size before the model's first forward pass.
    """
    named: list[tuple[int, str, torch.Tensor]] = []
    for number, model in enumerate(models):
        named += [(number, name, p) for name, p in model.named_parameters()]
    refuse_unsized([(name, p) for _, name, p in named], UNJUDGED)
    plain = [name for _, name, _ in named]
    shared = len(set(plain)) < len(plain)
    found: dict[int, str] = {}
    for number, name, p in named:
        found.setdefault(id(p), f"models[{number}].{name}" if shared else name)
    return found
