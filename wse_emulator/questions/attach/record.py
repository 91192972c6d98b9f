"""What is kept of a loop's steps, and the report over them."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

import numpy as np

import schedulers
from wse_emulator.capture.step import StepTrace
from wse_emulator.emulate import emulate, with_other_form
from wse_emulator.errors import InputError
from wse_emulator.questions.attach.host_numbers import RATE
from wse_emulator.questions.attach.plan import LoopPlan, placed
from wse_emulator.questions.repeat import repeating_step
from wse_emulator.questions.validate.accuracy import class_error
from wse_emulator.request import Request
from wse_emulator.results.answer import repeated_by
from wse_emulator.results.run import RunResult, StepFacts, WallSeconds
from wse_emulator.summary.run import RunFacts, summarize


@dataclass(slots=True)
class LoopRecord:
    """The steps of a loop so far.

    Attributes:
        request: what was asked for.
        scheduler: class of the scheduler.
        on_host: it is one of torch's, which works on the host.
        rates: the learning rate of each step.
        plans: the loop's plan, and those made anew where its parameters changed.
        schedule: the first update of the scheduler.
        compared_steps: steps that were compared op by op.
        empty_steps: steps before the first gradient, which do nothing and are not counted.
        unseen_steps: steps that went past, through a ``step`` taken out before ``attach``.
        host_numbers: names of the Python numbers that were written between steps.
        capture_seconds: time spent in steps, theirs included.
    """

    request: Request
    scheduler: str | None
    on_host: bool
    rates: list[float | None] = field(default_factory=list)
    plans: list[LoopPlan] = field(default_factory=list)
    schedule: StepTrace | None = None
    compared_steps: int = 0
    empty_steps: int = 0
    unseen_steps: int = 0
    host_numbers: set[str] = field(default_factory=set)
    capture_seconds: float = 0.0


def loop_result(record: LoopRecord) -> RunResult:
    """The report over all steps so far; its tables are those of the last plan.

    Raises:
        InputError: no step has run.
    """
    if not record.plans:
        raise InputError("no step has run since attach(); call optimizer.step() first")
    place_seconds = simulate_seconds = 0.0
    steps: list[StepFacts] = []
    ends = [plan.first_step for plan in record.plans[1:]] + [len(record.rates) + 1]
    for plan, end in zip(record.plans, ends, strict=True):
        begin = time.perf_counter()
        laid = placed(plan, record.request, record.schedule, record.scheduler)
        place_seconds += time.perf_counter() - begin
        emulated = emulate(laid)
        simulate_seconds += emulated.simulate_seconds
        cycles = 0 if emulated.timing is None else emulated.timing.elapsed_cycles
        steps += [
            StepFacts(
                step=number,
                learning_rate=record.rates[number - 1],
                cycles=cycles,
                seconds=cycles / record.request.wafer.clock_hz,
            )
            for number in range(plan.first_step, end)
        ]
    rates = record.rates
    before = emulated.simulate_seconds
    emulated = with_other_form(emulated)
    simulate_seconds += emulated.simulate_seconds - before
    result = summarize(
        emulated,
        RunFacts(
            model=record.request.model,
            optimizer_options={},
            rates=rates,
            rate_curve=(
                np.arange(len(rates)),
                np.array([np.nan if r is None else r for r in rates]),
            ),
            wall_seconds=WallSeconds(
                capture=record.capture_seconds, place=place_seconds, simulate=simulate_seconds
            ),
            command="",
            class_error=class_error,
        ),
    )
    answer = dataclasses.replace(
        result, steps=tuple(steps) if result.steps else (), notes=tuple(_notes(record))
    )
    repeated_by(answer, repeating_step(laid, record.request.model))
    return answer


def _notes(record: LoopRecord) -> list[str]:
    """What a reader of the report has to know of the loop, in sentences."""
    notes = []
    written = " and ".join(repr(name) for name in sorted(record.host_numbers))
    if record.on_host:
        ours = record.scheduler in schedulers.__all__
        instead = f"schedulers.{record.scheduler}" if ours else "a schedule of package schedulers"
        notes.append(
            f"{record.scheduler} is a schedule of torch, which works on the host: what it writes "
            f"({written or repr(RATE)}) is taken as numbers that the host sends between steps, and "
            f"its own ops are not timed. With {instead} the wafer computes the rate."
        )
    elif written:
        notes.append(
            f"The loop writes {written} as Python numbers between steps: they are taken as numbers "
            "that the host sends, and what that takes is not timed."
        )
    notes += [
        f"From step {plan.first_step} on {plan.why}: the step was placed anew, and all tables are "
        "of the last plan."
        for plan in record.plans[1:]
    ]
    steps = len(record.rates)
    if record.compared_steps < steps:
        notes.append(
            f"{record.compared_steps:,} of {steps:,} steps were compared op by op with the first; "
            "of the others, the tensors, the writes to each, and the Python numbers."
        )
    if record.empty_steps:
        notes.append(
            f"Steps before the first gradient are not counted, since they do nothing: "
            f"{record.empty_steps:,}."
        )
    if record.unseen_steps:
        notes.append(
            "Steps that the loop took through a reference to step() from before attach() are not "
            f"counted: {record.unseen_steps:,}."
        )
    return notes
