"""A call of the user's own ``step`` under the tracer: what it raises comes out as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import torch

from wse_emulator.capture.lineage import Lineage
from wse_emulator.capture.step import Scheduler, StepTrace, trace_schedule, trace_update
from wse_emulator.capture.storages import declare_gradients
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.errors import InputError


class _StepRaised(BaseException):
    """The user's function has raised; it goes through capture, which judges what fails itself."""


@dataclass(frozen=True, slots=True)
class UserCall:
    """A function with its arguments, called once; what it returned, and what it raised."""

    function: Callable[..., object]
    arguments: tuple[object, ...]
    named: Mapping[str, object]
    _returned: list[object] = field(default_factory=list)
    _raised: list[Exception] = field(default_factory=list)

    def run(self, wrap: Callable[[object], object] = lambda given: given) -> None:
        """Call it, each argument wrapped."""
        arguments = [wrap(given) for given in self.arguments]
        named = {name: wrap(given) for name, given in self.named.items()}
        try:
            self._returned.append(self.function(*arguments, **named))
        except Exception as error:
            self._raised.append(error)
            raise _StepRaised from None

    def traced(self, trace: Callable[[], StepTrace]) -> tuple[StepTrace, object]:
        """The trace of its run, and what it returned; what it raised is raised as it is."""
        traces = []
        with suppress(_StepRaised):
            traces.append(trace())
        if self._raised:
            raise self._raised[0]
        return traces[0], self._returned[0]


def traced_step(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | torch.optim.lr_scheduler.LRScheduler | None,
    names: Sequence[str],
    call: UserCall,
    lineage: Lineage,
) -> tuple[StepTrace, object]:
    """Run and trace a step, without what its closure does; the trace and what it returned.

    The ``lineage`` knows what the traced steps before it made.

    Raises:
        InputError: a gradient is sparse.
    """
    refuse_sparse(optimizer, names)

    def step(tracer: StepTracer) -> None:
        def pausing(given: object) -> object:
            if not callable(given) or not is_closure(given):
                return given

            def unrecorded(*arguments: object, **named: object) -> object:
                tracer.recording = False
                try:
                    outcome = given(*arguments, **named)
                finally:
                    tracer.recording = True
                refuse_sparse(optimizer, names)
                declare_gradients(tracer.table, optimizer, list(names))
                return outcome

            return unrecorded

        call.run(pausing)

    return call.traced(lambda: trace_update(optimizer, scheduler, names, step, lineage))


def traced_update(
    optimizer: torch.optim.Optimizer, scheduler: Scheduler, names: Sequence[str], call: UserCall
) -> tuple[StepTrace, object]:
    """Run and trace an update of a scheduler; the trace and what it returned."""
    return call.traced(lambda: trace_schedule(optimizer, scheduler, names, call.run))


def refuse_sparse(optimizer: torch.optim.Optimizer, names: Sequence[str]) -> None:
    """Refuse gradients that are sparse, by the name of the parameter.

    Raises:
        InputError: a gradient is sparse.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for name, p in zip(names, parameters, strict=True):
        if p.grad is not None and p.grad.layout is not torch.strided:
            raise InputError(
                f"the gradient of {name} is sparse, and the emulator steps dense ones alone; for "
                "an embedding, take sparse=False"
            )


def is_closure(given: object) -> bool:
    """Whether an argument of ``step`` is a function that evaluates the model."""
    return callable(given) and not isinstance(given, torch.nn.Module)


def has_closure(arguments: Sequence[object], named: Mapping[str, object]) -> bool:
    """Whether a function that evaluates the model is among the arguments of ``step``."""
    return any(is_closure(given) for given in (*arguments, *named.values()))
