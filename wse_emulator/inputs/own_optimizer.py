"""A user's own optimizer: a class, a function that builds one, or an optimizer object.

A class or function is called with the parameters of the model, on the meta device, so that nothing
is allocated. An object steps the parameters that it was built on, which have to be those of the
model; a copy of it is stepped, and the object itself is left alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from wse_emulator.errors import FactoryError, InputError, UnknownNameError, near
from wse_emulator.inputs.optimizer import (
    grouped_parameters,
    optimizer_classes,
    rate_without_default,
)
from wse_emulator.inputs.schedule_text import finite_rate
from wse_emulator.models.factory import LEAVING, import_factory
from wse_emulator.request import OptimizerChoice

MakeOptimizer = Callable[..., torch.optim.Optimizer]
"""A class of optimizers, or a function that builds one: called with parameters and options."""

AnyOptimizer = str | OptimizerChoice | torch.optim.Optimizer | MakeOptimizer
"""What a user may give as an optimizer: a name, a choice with options, an object, or what makes
one."""

_MODEL_NAMES: Final = ("model", "module", "net", "network")
"""A function whose first argument is called so is given the model, not its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnOptimizer:
    """A user's own optimizer, found or given.

    Attributes:
        name: what messages and the request call it: ``module:Class`` or ``file.py:Class``.
        make: builds it on parameters; None if an object was given.
        instance: the object that was given; None if a class or function was.
        module: the model whose parameters the object steps.
    """

    name: str
    make: MakeOptimizer | None = None
    instance: torch.optim.Optimizer | None = None
    module: nn.Module | None = None

    @property
    def title(self) -> str:
        """Its own name alone."""
        return self.name.rpartition(":")[2].rpartition(".")[2]


def import_optimizer(text: str) -> OwnOptimizer:
    """The class or function that ``module:Class`` or ``file.py:Class`` names.

    Raises:
        FactoryError: there is none, its import raises, or it builds no optimizer.
    """
    found = import_factory(text)
    if inspect.isclass(found) and not issubclass(found, torch.optim.Optimizer):
        raise FactoryError(
            f"{text} is a class that is no optimizer; derive it from torch.optim.Optimizer or "
            "optimizers.Optimizer"
        )
    return OwnOptimizer(name=text, make=found)  # type: ignore[arg-type]  # checked when it is called


def named_if_known(given: AnyOptimizer | None) -> AnyOptimizer | None:
    """The name of a class of the package ``optimizers``, as if it had been typed; else the same."""
    return next((name for name, kind in optimizer_classes().items() if given is kind), given)


def given_optimizer(given: AnyOptimizer | None, model: object) -> OwnOptimizer | None:
    """The optimizer that a user gives, if it is their own; None for a name of the package.

    Args:
        given: what is given as the optimizer; None if nothing is.
        model: what is given as the model; an optimizer object has to step its parameters.

    Raises:
        FactoryError: a name that cannot be imported.
        InputError: an object on other parameters than those of the model, or no optimizer at all.
    """
    if given is None:
        return None
    choice = OptimizerChoice(name=given) if isinstance(given, str) else given
    if isinstance(choice, OptimizerChoice):
        return import_optimizer(choice.name) if choice.own else None
    if isinstance(given, torch.optim.Optimizer):
        return _on_own_parameters(given, model)
    if inspect.isclass(given) and not issubclass(given, torch.optim.Optimizer):
        raise InputError(
            f"the class {given.__name__} is no optimizer; derive it from torch.optim.Optimizer or "
            "optimizers.Optimizer"
        )
    if callable(given):
        return OwnOptimizer(name=_name_of(given), make=given)
    raise InputError(
        f"optimizer is {given!r:.60}; give a name, a class, a function of parameters that returns "
        "an optimizer, or an optimizer on the parameters of the model"
    )


def _name_of(given: object) -> str:
    what = given if hasattr(given, "__qualname__") else type(given)
    return f"{what.__module__}:{what.__qualname__}"


def _on_own_parameters(optimizer: torch.optim.Optimizer, model: object) -> OwnOptimizer:
    kind = type(optimizer).__name__
    instead = f"give the class {kind}, or a function that builds it on the parameters it is given"
    if not isinstance(model, nn.Module):
        what = f"of {model}" if isinstance(model, str) else "that shapes stand for"
        raise InputError(
            f"the {kind} object steps parameters of its own and not those {what}; {instead}, or "
            "give as the model the module that it was built on"
        )
    known = {id(parameter) for parameter in model.parameters()}
    stepped = [p for group in optimizer.param_groups for p in group["params"]]
    foreign = sum(id(parameter) not in known for parameter in stepped)
    if foreign:
        raise InputError(
            f"{foreign} of {len(stepped)} parameters of the {kind} object are not parameters of "
            f"the {type(model).__name__} that is given as the model; {instead}"
        )
    return OwnOptimizer(name=_name_of(type(optimizer)), instance=optimizer, module=model)


def build_own(
    own: OwnOptimizer, model: nn.Module, choice: OptimizerChoice, *, scheduled: bool
) -> torch.optim.Optimizer:
    """Build a class of the user's own on the parameters of a model on the meta device.

    Args:
        own: a class or function.
        model: holds the parameters.
        choice: rate and options, which are passed by name.
        scheduled: whether a schedule will write the rate.

    Raises:
        UnknownNameError: the constructor takes no argument of that name.
        InputError: it needs another argument.
        FactoryError: it raises, or returns no optimizer.
    """
    assert own.make is not None
    target, accepted = _signature(own)
    if choice.groups and target in _MODEL_NAMES:
        raise InputError(
            f"parameter groups are given for {own.title}, which makes its groups itself; leave "
            "them out, or take params instead of the model"
        )
    arguments = _arguments(own, choice, accepted, scheduled=scheduled)
    parameters: object = list(model.parameters())
    if target in _MODEL_NAMES:
        parameters = model
    elif choice.groups:
        parameters = grouped_parameters(list(model.named_parameters()), choice.groups)
    try:
        with redirect_stdout(sys.stderr), torch.device("meta"):
            made: object = own.make(parameters, **arguments)
    except (Exception, *LEAVING) as error:
        raise FactoryError(f"{own.name} raised {_said(error)}") from error
    if isinstance(made, torch.optim.Optimizer):
        return made
    raise FactoryError(
        f"{own.name} returned {type(made).__name__}; a function for --optimizer returns one "
        "torch.optim.Optimizer"
    )


def _said(error: BaseException) -> str:
    """Kind and text of an error, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _signature(own: OwnOptimizer) -> tuple[str, Mapping[str, inspect.Parameter] | None]:
    """Name of the first argument, and the others by name; None if they cannot be told."""
    assert own.make is not None
    try:
        parameters = list(inspect.signature(own.make).parameters.values())
    except (TypeError, ValueError):  # some classes written in C have none
        return "params", None
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    if not parameters or parameters[0].kind in keyword:
        raise FactoryError(
            f"{own.name} takes no parameters; it is called with those of the model, so its first "
            f"argument has to take them: {own.title}(params, ...)"
        )
    first, *others = parameters
    if first.kind is inspect.Parameter.VAR_POSITIONAL or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in others
    ):
        return first.name, None
    return first.name, {p.name: p for p in others if p.kind in named}


def _arguments(
    own: OwnOptimizer,
    choice: OptimizerChoice,
    accepted: Mapping[str, inspect.Parameter] | None,
    *,
    scheduled: bool,
) -> dict[str, object]:
    """Constructor arguments, checked by name."""
    arguments = dict(choice.options)
    if choice.lr is not None:
        arguments["lr"] = finite_rate("--lr", choice.lr)
    if accepted is None:
        return arguments
    for name in arguments:
        if name not in accepted:
            what = "learning rate lr" if name == "lr" else f"option {name!r}"
            raise UnknownNameError(
                f"{own.title} has no {what}{near(name, accepted)}; it takes "
                f"{', '.join(accepted) or 'parameters alone'}"
            )
    needed = [n for n, p in accepted.items() if p.default is p.empty and n not in arguments]
    if "lr" in needed:
        needed.remove("lr")
        arguments["lr"] = rate_without_default(scheduled=scheduled)
    if needed:
        raise InputError(
            f"{own.title} needs {' and '.join(needed)}; give "
            f"{' '.join(f'-o {name}=VALUE' for name in needed)}"
        )
    return arguments
