"""``attach``: a training loop that exists already, run on the emulator."""

from __future__ import annotations

import torch

from wse_emulator.capture.step import Scheduler
from wse_emulator.inputs.given import DEFAULT_WAFER
from wse_emulator.questions.attach.emulation import Emulation
from wse_emulator.request import EngineName, OptimizerChoice, Request
from wse_emulator.wafer.parse import machine_given
from wse_emulator.wafer.spec import WaferSpec


def attach(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | torch.optim.lr_scheduler.LRScheduler | None = None,
    *,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    engine: EngineName = "array",
    model: torch.nn.Module | None = None,
) -> Emulation:
    """Run every step of an optimizer (and its scheduler) on the emulator from now on.

    The loop stays as it is: its numbers are the same bit for bit, and what the step, a closure or
    the scheduler raises comes out as it is. A first step that breaks a rule or does not fit is
    taken back before that is raised: parameters, state and rates are then as before it.

    Args:
        optimizer: any optimizer that keeps the static-state rules.
        scheduler: its learning-rate scheduler, if it has one. One of torch's works on the host: its
            Python numbers are taken as they are, and its own ops are not timed.
        wafer: name or spec of the machine.
        engine: ``array`` or ``pe``.
        model: gives the parameters their names in the report; those that the optimizer does not
            step are weights alone.

    Returns:
        The emulation: ``result()`` reports, ``detach()`` leaves both objects as they were.

    Raises:
        InputError: the optimizer is attached already, is no optimizer of torch's kind, or there is
            no such engine.

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
        [5002, 5002]
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
