"""How an optimizer and its schedulers are called: with a closure or a metric where they ask."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Final

import torch

from wse_emulator.capture.objects import GivenStep
from wse_emulator.capture.storages import declare_gradients
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.program import ValueKind

METRIC: Final = 1.0
"""What a scheduler that asks for a metric is given after each step: one that does not improve."""


def asks_for(method: Callable[..., object]) -> tuple[str, ...]:
    """Names of the arguments that a method cannot be called without."""
    return tuple(
        argument.name
        for argument in _arguments(method) or ()
        if argument.default is argument.empty
        and argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
    )


def takes_arguments(method: Callable[..., object]) -> bool:
    """Whether a method can be given an argument by position."""
    arguments = _arguments(method)
    return arguments is None or any(
        a.kind not in (a.KEYWORD_ONLY, a.VAR_KEYWORD) for a in arguments
    )


def _arguments(method: Callable[..., object]) -> tuple[inspect.Parameter, ...] | None:
    """What a method takes, without the object whose method it is; None if that cannot be told.

    torch's schedulers put a plain function in the place of ``optimizer.step``, whose signature is
    that of the function of the class, ``self`` included.
    """
    try:
        arguments = tuple(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return None
    unbound = inspect.isfunction(method) and inspect.isfunction(inspect.unwrap(method))
    return arguments[1:] if unbound and hasattr(method, "_wrapped_by_lr_sched") else arguments


class LossClosure:
    """What an optimizer calls to evaluate the model again: gives gradients, returns a loss.

    Nothing of it is part of the step. The gradients are drawn anew, and the loss is half the sum
    of the squares of the parameters, so that a step that calls ``loss.backward()`` itself can.
    """

    def __init__(
        self,
        step: GivenStep,
        tracer: StepTracer,
        trained: Sequence[torch.Tensor],
        generator: torch.Generator,
    ) -> None:
        self._step = step
        self._tracer = tracer
        self._trained = trained
        self._generator = generator

    def __call__(self) -> torch.Tensor:
        """The loss, a 0-dim tensor; every trained parameter has a new gradient afterwards."""
        self._tracer.recording = False
        try:
            with torch.enable_grad():
                loss = torch.zeros((), requires_grad=True)
                for p in self._trained:
                    loss = loss + 0.5 * (p * p).sum()
            with torch.no_grad():
                for p in self._trained:
                    give_gradient(p, self._generator)
            # as a gradient: what the forward pass gives to the step anew each time
            self._tracer.table.declare(loss, "loss", ValueKind.GRADIENT, None)
            return loss
        finally:
            self._tracer.recording = True
            declare_gradients(self._tracer.table, self._step.optimizer, list(self._step.names))


def give_gradient(p: torch.Tensor, generator: torch.Generator) -> None:
    """Draw the gradient of a parameter; one that it has keeps its storage."""
    if p.grad is None:
        p.grad = torch.empty_like(p)
    if not p.grad.is_meta:
        values = torch.randn(p.shape, generator=generator, dtype=torch.float32)
        p.grad.copy_(values)
