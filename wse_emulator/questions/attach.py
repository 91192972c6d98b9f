"""``attach``: a training loop that exists already, run on the emulator.

The user's loop stays as it is. Every ``optimizer.step()`` and ``scheduler.step()`` still runs on
the real tensors, through the same code, while its ops are traced; the numbers are those of the
plain loop, bit for bit. The first step is placed and planned, and refused if it does not fit; every
later one is held against its graph, since a static step takes the same cycles every time. The
report simulates it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np
import torch

from wse_emulator.capture.graphs import judge_graphs
from wse_emulator.capture.kinds import in_model_order
from wse_emulator.capture.step import (
    Scheduler,
    StepTrace,
    build_program,
    join_schedule,
    parameter_names,
    trace_schedule,
    trace_update,
)
from wse_emulator.capture.storages import declare_gradients
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.emulate import emulate
from wse_emulator.errors import DoesNotFitError, InputError
from wse_emulator.inputs.given import DEFAULT_WAFER
from wse_emulator.plan.known import known_of
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.questions.repeat import repeating_step
from wse_emulator.questions.validate.accuracy import class_error
from wse_emulator.request import EngineName, OptimizerChoice, Request
from wse_emulator.results.answer import repeated_by
from wse_emulator.results.run import RunResult, WallSeconds
from wse_emulator.summary.run import RunFacts, summarize
from wse_emulator.wafer.parse import machine_given
from wse_emulator.wafer.spec import WaferSpec

_ABSENT: Final = object()


def attach(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    *,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    engine: EngineName = "array",
    model: torch.nn.Module | None = None,
) -> Emulation:
    """Run every step of an optimizer (and its scheduler) on the emulator from now on.

    Args:
        optimizer: any optimizer that keeps the static-state rules.
        scheduler: its learning-rate scheduler, if it has one.
        wafer: name or spec of the machine.
        engine: ``array`` or ``pe``.
        model: gives the parameters their names in the report; those that the optimizer does not
            step are weights alone.

    Returns:
        The emulation: ``result()`` reports, ``detach()`` leaves both objects as they were.

    Raises:
        InputError: the optimizer is attached already, or there is no such engine.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
        >>> emulation = wse_emulator.attach(optimizer, wafer="wse2:16x12", model=model)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     model(torch.ones(8, 64)).square().mean().backward()
        ...     optimizer.step()
        >>> result = emulation.result()
        >>> [step.cycles for step in result.steps]
        [1936, 1936]
        >>> emulation.detach()
    """
    given = ("model", "optimizer") if scheduler is None else ("model", "optimizer", "schedules")
    request = Request(
        model="module" if model is None else type(model).__name__,
        wafer=machine_given(wafer),
        optimizer=OptimizerChoice(name=type(optimizer).__name__),
        engine=engine,
        objects=given,
    )
    return Emulation(optimizer, scheduler, request, model)


class Emulation:
    """An optimizer and scheduler whose steps are recorded. Made by :func:`attach`.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
        >>> emulation = wse_emulator.attach(optimizer, wafer="wse2:16x12", model=model)
        >>> model(torch.ones(8, 64)).square().mean().backward()
        >>> optimizer.step()
        >>> emulation.result().steps[0].cycles
        1936
        >>> emulation.detach()
        >>> optimizer.step()  # a plain step again: it is not recorded
        >>> len(emulation.result().steps)
        1
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        scheduler: Scheduler | None,
        request: Request,
        model: torch.nn.Module | None,
    ) -> None:
        if isinstance(getattr(optimizer.step, "__self__", None), Emulation):
            raise InputError("the optimizer is attached to an emulation already; detach it first")
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._request = request
        self._module = model
        self._names = parameter_names(optimizer, model)
        self._rates: list[float | None] = []
        self._first: StepTrace | None = None
        self._first_schedule: StepTrace | None = None
        self._capture_seconds = 0.0
        self._real_step: Callable[..., object] = optimizer.step
        self._own_step = vars(optimizer).get("step", _ABSENT)
        vars(optimizer)["step"] = self._step
        if scheduler is not None:
            self._real_update: Callable[..., object] = scheduler.step
            self._own_update = vars(scheduler).get("step", _ABSENT)
            vars(scheduler)["step"] = self._update

    def detach(self) -> None:
        """Leave optimizer and scheduler as they were before :func:`attach`."""
        _restore(self._optimizer, self._own_step)
        if self._scheduler is not None:
            _restore(self._scheduler, self._own_update)

    def result(self) -> RunResult:
        """The report over all steps so far.

        Raises:
            InputError: no step has run.
        """
        if self._first is None:
            raise InputError("no step has run since attach(); call optimizer.step() first")
        begin = time.perf_counter()
        placed = self._placed(self._first, self._first_schedule)
        place_seconds = time.perf_counter() - begin
        emulated = emulate(placed)
        result = summarize(
            emulated,
            RunFacts(
                model=self._request.model,
                optimizer_options={},
                rates=self._rates,
                rate_curve=(
                    np.arange(len(self._rates)),
                    np.array([np.nan if r is None else r for r in self._rates]),
                ),
                wall_seconds=WallSeconds(
                    capture=self._capture_seconds,
                    place=place_seconds,
                    simulate=emulated.simulate_seconds,
                ),
                command="",
                class_error=class_error,
            ),
        )
        repeated_by(result, repeating_step(placed, self._request.model))
        return result

    def _step(self, closure: Callable[[], object] | None = None) -> object:
        """What stands in for ``optimizer.step``."""
        begin = time.perf_counter()
        outcome: list[object] = []
        rate = self._optimizer.param_groups[0].get("lr")

        def call(tracer: StepTracer) -> None:
            if closure is None:
                outcome.append(self._real_step())
                return

            def unrecorded() -> object:
                tracer.recording = False
                try:
                    return closure()
                finally:
                    tracer.recording = True
                    declare_gradients(tracer.table, self._optimizer, self._names)

            outcome.append(self._real_step(unrecorded))

        trace = trace_update(self._optimizer, self._scheduler, self._names, call)
        if trace.violations:
            raise trace.violations[0]
        if self._first is None:
            self._admit(trace)
            self._first = trace
        else:
            changed = judge_graphs(
                self._first.ops,
                self._first.values,
                trace.ops,
                trace.values,
                (1, len(self._rates) + 1),
                (self._first.numbers, trace.numbers),
            )
            if changed is not None:
                raise changed
        self._rates.append(None if rate is None else float(rate))
        self._capture_seconds += time.perf_counter() - begin
        return outcome[0]

    def _update(self) -> None:
        """What stands in for ``scheduler.step``."""
        assert self._scheduler is not None
        begin = time.perf_counter()
        trace = trace_schedule(self._optimizer, self._scheduler, self._names, self._real_update)
        if trace.violations:
            raise trace.violations[0]
        if self._first_schedule is None:
            self._first_schedule = trace
        self._capture_seconds += time.perf_counter() - begin

    def _admit(self, trace: StepTrace) -> None:
        """Refuse a first step whose ops have no cost or whose tensors do not fit."""
        memory = self._placed(trace, None).memory
        if not memory.fits:
            raise DoesNotFitError(
                f"the step does not fit {self._request.wafer.name}: PE {memory.worst_pe} needs "
                f"{memory.worst_bytes:,} of {memory.capacity_bytes:,} bytes; take a larger wafer "
                "or an optimizer with less state"
            )

    def _untrained(self, program: StepProgram) -> list[Parameter]:
        """The parameters of the model that the optimizer does not step: weights alone."""
        known = {parameter.name for parameter in program.parameters}
        named = [] if self._module is None else list(self._module.named_parameters())
        left = [(name, p) for name, p in named if name not in known]
        return [
            Parameter(
                index=index,
                name=name,
                shape=tuple(p.shape),
                dtype=str(p.dtype).removeprefix("torch."),
                group=0,
                has_gradient=False,
            )
            for index, (name, p) in enumerate(left, start=len(program.parameters))
        ]

    def _placed(self, update: StepTrace, schedule: StepTrace | None) -> Placed:
        trace = update if schedule is None else join_schedule(update, schedule)
        program = build_program(self._optimizer, self._scheduler, self._names, trace)
        program = in_model_order(program, (*program.parameters, *self._untrained(program)))
        return place_and_plan(known_of(program, self._request.wafer), self._request)


def _restore(owner: object, own_step: object) -> None:
    """Put back an instance's own ``step``, or uncover that of its class."""
    if own_step is _ABSENT:
        vars(owner).pop("step", None)
    else:
        vars(owner)["step"] = own_step
