"""Whether a learning-rate schedule is what was meant: its course, and what looks unintended."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from schedulers import LRScheduler
from wse_emulator.errors import InputError
from wse_emulator.results.preflight import Course, RatePoint
from wse_emulator.results.words import share

MOST_STEPS: Final = 5_000_000
"""Every step is evaluated up to here; of a longer run, as many steps evenly spaced."""

JUMP: Final = 0.2
"""A change of one step by more than this part of the highest rate is told as a jump."""

_JUMPS_TOLD: Final = 3


def constant_course(rate: float, run_steps: int | None) -> Course:
    """The course of a rate that no scheduler changes."""
    point = RatePoint(step=0, rate=rate)
    return Course(
        scheduler="",
        run_steps=run_steps,
        schedule_steps=None,
        first=point,
        highest=point,
        last=point,
        remarks=_never_above_zero(rate),
    )


def course_of(scheduler: LRScheduler, run_steps: int | None) -> Course:
    """Evaluate a scheduler over a run of ``run_steps``, or over its own length.

    Raises:
        InputError: a rate is no finite number of 0 or more.
    """
    length = scheduler.total_iters or None
    count = run_steps or (length or 0) + 1
    steps = np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).astype(np.int64))
    rates = scheduler.rates(torch.from_numpy(steps)).to(torch.float64).numpy()
    name = type(scheduler).__name__
    wrong = np.flatnonzero(~np.isfinite(rates) | (rates < 0))
    if wrong.size:
        raise InputError(
            f"{name}: the learning rate of step {int(steps[wrong[0]]):,} is "
            f"{float(rates[wrong[0]]):g}; a rate is a finite number of 0 or more"
        )

    def point(index: int) -> RatePoint:
        return RatePoint(step=int(steps[index]), rate=float(rates[index]))

    highest, last = point(int(rates.argmax())), point(-1)
    remarks = list(_never_above_zero(highest.rate))
    if run_steps is not None and length is not None:
        remarks += _length_remarks(scheduler, run_steps, length, last)
    if steps.size == count and highest.rate > 0:
        change = np.diff(rates)
        jumps = np.flatnonzero(np.abs(change) > JUMP * highest.rate)
        told = jumps[:_JUMPS_TOLD] if count > 1 / JUMP else jumps[:0]
        remarks += [
            f"the rate jumps from {rates[i]:.6g} to {rates[i + 1]:.6g} at step {int(i) + 1:,}"
            for i in told
        ]
        if jumps.size > told.size > 0:
            remarks.append(f"{jumps.size - told.size:,} more jumps follow")
    return Course(
        scheduler=name,
        run_steps=run_steps,
        schedule_steps=length,
        first=point(0),
        highest=highest,
        last=last,
        remarks=tuple(remarks),
    )


def _never_above_zero(highest: float) -> tuple[str, ...]:
    return () if highest > 0 else ("the rate is 0 in every step, so nothing would be trained",)


def _length_remarks(
    scheduler: LRScheduler, run_steps: int, length: int, last: RatePoint
) -> list[str]:
    """Where the length of the run and that of the schedule differ."""
    if run_steps > length + 1:
        return [
            f"the schedule ends at step {length:,} and the run goes on to {run_steps:,}, the last "
            f"{share((run_steps - length) / run_steps)} of it at {last.rate:.6g}"
        ]
    if run_steps < length:
        end = float(scheduler.rates(torch.tensor([length]))[0])
        return [
            f"the run ends at step {run_steps:,} of a schedule of {length:,}: its last rate is "
            f"{last.rate:.6g}, not the schedule's {end:.6g}"
        ]
    return []
