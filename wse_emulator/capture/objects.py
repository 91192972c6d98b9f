"""The optimizers, schedulers and models that a user gives, in whatever order and nesting."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from wse_emulator.capture.parameter_names import UNJUDGED, names_in_groups, names_of_parameters
from wse_emulator.errors import FactoryError, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenStep:
    """One optimizer with its schedulers.

    Attributes:
        optimizer: any torch optimizer.
        schedulers: stepped after it, in order.
        names: a name for each of its parameters, in group order.
    """

    optimizer: torch.optim.Optimizer
    schedulers: tuple[object, ...]
    names: tuple[str, ...]

    @property
    def parameters(self) -> tuple[torch.Tensor, ...]:
        """All parameters, in group order."""
        return tuple(p for group in self.optimizer.param_groups for p in group["params"])

    @property
    def size_bytes(self) -> int:
        """Bytes of all parameters, whether or not they have values."""
        return sum(p.numel() * p.element_size() for p in self.parameters)

    @property
    def name(self) -> str:
        """Module and class of the optimizer."""
        kind = type(self.optimizer)
        return f"{kind.__module__}.{kind.__qualname__}"


def given_steps(made: object, giver: str) -> tuple[GivenStep, ...]:
    """Every optimizer among what a user gives, each with its schedulers and parameter names.

    Args:
        made: an optimizer, or tuples, lists and dicts of optimizers, schedulers and models.
        giver: who gave it and how, for messages: ``mine:make returned``.

    Raises:
        FactoryError: there is no optimizer, or something else, or a scheduler without its
            optimizer.
        InputError: an optimizer without parameters, or one that has no size yet.
    """
    optimizers: list[torch.optim.Optimizer] = []
    schedulers: list[object] = []
    models: list[torch.nn.Module] = []
    for item in _items(made):
        kept: list[object]
        if isinstance(item, torch.optim.Optimizer):
            kept = optimizers  # type: ignore[assignment]  # each list holds one kind
        elif isinstance(item, torch.nn.Module):
            kept = models  # type: ignore[assignment]  # likewise
        elif hasattr(item, "step") and hasattr(item, "optimizer"):
            kept = schedulers
        else:
            raise FactoryError(
                f"{giver} {_what(item)}, which is neither an optimizer, nor a scheduler, nor a "
                "model; an optimizer has to be built on the parameters of its model"
            )
        if not any(item is other for other in kept):
            kept.append(item)
    if not optimizers:
        raise FactoryError(f"{giver} {_what(made)}; there has to be a torch.optim.Optimizer")
    named = names_of_parameters(models)
    return tuple(
        GivenStep(
            optimizer=optimizer,
            schedulers=tuple(s for s in schedulers if _steps(s, optimizer, optimizers, giver)),
            names=_names(optimizer, named),
        )
        for optimizer in optimizers
    )


def _names(optimizer: torch.optim.Optimizer, known: Mapping[int, str]) -> tuple[str, ...]:
    names = names_in_groups(optimizer, known, UNJUDGED)
    if not names:
        raise InputError("the optimizer has no parameters; there is no step to capture")
    return names


def _steps(
    scheduler: object,
    optimizer: torch.optim.Optimizer,
    optimizers: Sequence[torch.optim.Optimizer],
    giver: str,
) -> bool:
    """Whether a scheduler belongs to an optimizer; the only optimizer has every scheduler."""
    if len(optimizers) == 1:
        return True
    owner = getattr(scheduler, "optimizer", None)
    if not any(owner is one for one in optimizers):
        raise FactoryError(
            f"{giver} a {type(scheduler).__name__} whose optimizer "
            f"({type(owner).__name__}) is not there; it has to be there too"
        )
    return owner is optimizer


def _items(made: object) -> Iterator[object]:
    """What tuples, lists and dicts hold; plain values of a dict say how often a schedule steps."""
    if isinstance(made, Mapping):
        inner: Iterable[object] = (
            x for x in made.values() if not isinstance(x, (str, int, float, bool))
        )
    elif isinstance(made, (list, tuple)):
        inner = made
    else:
        if made is not None:
            yield made
        return
    for item in inner:
        yield from _items(item)


def _what(item: object) -> str:
    return f"the class {item.__name__}" if inspect.isclass(item) else type(item).__name__
