"""Preflight: the one page, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import DoesNotFitError, InputError, StaticRuleError
from wse_emulator.request import Request
from wse_emulator.results.codec import encode
from wse_emulator.results.fit import BatchFacts, FitReport

PREFLIGHT_SCHEMA: Final = "wse-preflight/1"
BREAKS_A_RULE: Final = StaticRuleError.exit_code
DOES_NOT_FIT: Final = DoesNotFitError.exit_code
WRONG_INPUT: Final = InputError.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """How long a step takes.

    Attributes:
        cycles: of the optimizer step; None where it runs at the weight server.
        seconds: of the optimizer step, or the least the weights' way over the link takes.
        interval: (low, high) seconds that unsourced costs leave open; high None if unbounded.
        words: what is timed and what is not.
    """

    cycles: int | None
    seconds: float
    interval: tuple[float, float | None]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preflight:
    """The answers; None where a question could not be answered, and ``problems`` say why.

    Attributes:
        violations: broken static-state rules; empty for a legal step.
        legal: None if the step could not be built.
        fit: memory, with the batch and micro-batch to submit.
        schedules: one course a scheduler; the first is that of most parameters.
        time: None if it does not fit.
        changes: what to change, most urgent first; empty if nothing.
        problems: input that cannot be used, one line each.
        unused: keys of the run config that the emulator does not use.
        request: the question.
    """

    model: str
    optimizer: str
    wafer: str
    legal: bool | None
    violations: tuple[StaticRuleError, ...]
    fit: FitReport | None
    schedules: tuple[Course, ...]
    time: StepTime | None
    changes: tuple[str, ...]
    problems: tuple[str, ...]
    unused: tuple[str, ...]
    command: str
    request: Request

    @property
    def exit_code(self) -> int:
        """0, or the first of 4, 3, 2 that applies."""
        if self.violations:
            return BREAKS_A_RULE
        if self.fit is not None and not self.fit.fits:
            return DOES_NOT_FIT
        return WRONG_INPUT if self.problems else 0

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        words = {
            0: "Ready to queue",
            BREAKS_A_RULE: "Do not queue: a static-state rule is broken",
            DOES_NOT_FIT: "Do not queue: it does not fit",
            WRONG_INPUT: "Do not queue: something is missing or cannot be used",
        }
        advice = "" if not self.changes or self.exit_code else ", but see what to change"
        return f"{words[self.exit_code]}{advice}."

    @property
    def submit(self) -> BatchFacts | None:
        """Batch, micro-batch and recomputation to submit, if it fits and they are known."""
        return self.fit.batch if self.fit is not None and self.fit.fits else None

    def document(self) -> dict[str, object]:
        """The JSON document, schema "wse-preflight/1"."""
        fit, batch = self.fit, self.submit
        return {
            "schema": PREFLIGHT_SCHEMA,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "command": self.command,
            "model": self.model,
            "optimizer": self.optimizer,
            "wafer": self.wafer,
            "legal": self.legal,
            "violations": [
                {"rule": v.rule, "message": v.message, "remedy": v.remedy} for v in self.violations
            ],
            "fits": None if fit is None else fit.fits,
            "fit": None
            if fit is None
            else {
                "verdict": fit.verdict,
                "mode": fit.mode,
                "mode_reason": fit.mode_reason,
                "precision": fit.precision,
                "activations_counted": fit.activations_counted,
                "peak_bytes": fit.pe.peak_bytes,
                "capacity_bytes": fit.pe.capacity_bytes,
                "gap_bytes": fit.gap_bytes,
            },
            "submit": None
            if batch is None
            else {
                "batch_size": batch.batch_size,
                "micro_batch": batch.micro_batch,
                "recompute": batch.recompute,
                "sequence_length": batch.sequence_length,
            },
            "schedules": [encode(course) for course in self.schedules],
            "step_time": None if self.time is None else encode(self.time),
            "changes": list(self.changes),
            "problems": list(self.problems),
            "config_unused": list(self.unused),
            "request": encode(self.request),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePoint:
    """The learning rate of one step; steps count from 0."""

    step: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A schedule over a run.

    Attributes:
        scheduler: class name; empty for a constant rate.
        run_steps: steps the run is to take; None if nothing says.
        schedule_steps: steps after which the schedule rests; None if it never does.
        first, highest, last: rates; ``last`` is that of the run's (or the schedule's) last step.
        remarks: what looks unintended, one sentence each without its full stop.
    """

    scheduler: str
    run_steps: int | None
    schedule_steps: int | None
    first: RatePoint
    highest: RatePoint
    last: RatePoint
    remarks: tuple[str, ...]

    @property
    def words(self) -> str:
        """The course in one sentence."""
        if not self.scheduler:
            return f"constant rate {self.first.rate:.6g}."
        return (
            f"{self.scheduler} starts at {self.first.rate:.6g}, is highest at step "
            f"{self.highest.step:,} with {self.highest.rate:.6g}, and ends at "
            f"{self.last.rate:.6g} in step {self.last.step:,}."
        )
