"""Preflight: the one page, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import DoesNotFitError, InputError, StaticRuleError
from wse_emulator.request import Request
from wse_emulator.results.answer import StepAnswer
from wse_emulator.results.answers import in_both_forms, samples_counted, time_interval
from wse_emulator.results.codec import encode
from wse_emulator.results.facts import FunctionForms, Lever
from wse_emulator.results.fit import BatchFacts, FitReport
from wse_emulator.results.fit_answers import chosen_mode, fit_lever
from wse_emulator.results.sentences import Sentence, sentence, sentences_together
from wse_emulator.results.words import cycles, full_bytes, plural, seconds, short

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
        interval: (low, high) seconds that the ranges of costs leave open; high None if unbounded.
        words: what is timed and what is not.
        unsourced: whether any of its cycles are of the class ``ours``, which nobody timed.
        forms: the step with its functions in both forms; None if it computes none of a vector.
    """

    cycles: int | None
    seconds: float
    interval: tuple[float, float | None]
    words: str
    unsourced: bool = False
    forms: FunctionForms | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Preflight(StepAnswer):
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

    Example:
        >>> model = torch.nn.Linear(400, 400)
        >>> page = wse_emulator.preflight(model, wafer="wse2:2x2", mode="pipelined")
        >>> page.verdict, page.exit_code
        ('Do not queue: it does not fit.', 3)
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
        return ready(self)

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
        return course_words(self)


@sentence
def ready(page: Preflight) -> str:
    """Whether to queue the run, and the first reason against it."""
    words = {
        0: "Ready to queue",
        BREAKS_A_RULE: "Do not queue: a static-state rule is broken",
        DOES_NOT_FIT: "Do not queue: it does not fit",
        WRONG_INPUT: "Do not queue: something is missing or cannot be used",
    }
    advice = "" if not page.changes or page.exit_code else ", but see what to change"
    return f"{words[page.exit_code]}{advice}."


@sentence
def page_heading(page: Preflight) -> str:
    """What is judged, in a line without a full stop."""
    optimizer = short(page.optimizer or "no optimizer", 30)
    return f"{short(page.model, 40)} with {optimizer} on {page.wafer}"


@sentence
def course_words(course: Course) -> str:
    """A schedule over a run: where its rate starts, is highest and ends."""
    if not course.scheduler:
        return f"The rate is {course.first.rate:.6g} in every step."
    if course.highest.step == course.last.step:
        return (
            f"{course.scheduler} starts at {course.first.rate:.6g} and is highest in the last "
            f"step, {course.last.step:,}, with {course.last.rate:.6g}."
        )
    return (
        f"{course.scheduler} starts at {course.first.rate:.6g}, is highest at step "
        f"{course.highest.step:,} with {course.highest.rate:.6g}, and ends at "
        f"{course.last.rate:.6g} in step {course.last.step:,}."
    )


@sentence
def unknown_words(page: Preflight) -> str:
    """What stands where a question could not be answered."""
    return "Not known; what to change says why." if page.changes else "Not known."


@sentence
def not_timed(page: Preflight) -> str:
    """Why there is no step time."""
    if page.fit is not None and not page.fit.fits:
        return "Not timed, since it does not fit."
    return unknown_words(page)


@sentence
def legal_words(page: Preflight) -> str:
    """Whether the step keeps the static-state rules, and which it breaks."""
    if page.legal is None:
        return unknown_words(page)
    if page.legal:
        return "The step keeps all static-state rules."
    return "; ".join(violation.message for violation in page.violations[:3])


@sentence
def memory_words(fit: FitReport) -> str:
    """The verdict of the memory, why its mode was chosen, and whether activations count."""
    counted = samples_counted(fit.request, fit.config_unused)
    return sentences_together(Sentence(fit.verdict), chosen_mode(fit), counted)


@sentence
def submit_words(batch: BatchFacts | None) -> str:
    """The batch to submit, and how its samples move."""
    if batch is None:
        return "Do not submit it as asked; what to change is below."
    length = f" of {plural(batch.sequence_length, 'token')}" if batch.sequence_length else ""
    return (
        f"Submit a batch of {plural(batch.batch_size, 'sample')}{length}, {batch.micro_batch:,} at "
        f"a time; recomputation: {batch.recompute}."
    )


@sentence
def time_words(time: StepTime) -> str:
    """How long the step takes, and what of it is timed."""
    low, high = time.interval
    if time.cycles is None or high is None:
        return f"At least {seconds(time.seconds)}: {time.words}."
    said = f"{cycles(time.cycles)} = {seconds(time.seconds)}{in_both_forms(time.forms)}"
    return sentences_together(Sentence(f"{said}: {time.words}."), time_interval((low, high)))


@sentence
def change_number(number: int, change: str) -> str:
    """One of the things to change."""
    return f"{number}. {change}."


@sentence
def changes_heading(page: Preflight) -> str:
    """Whether anything has to change."""
    if page.changes:
        return "What to change:"
    return "Nothing that was tried makes it fit." if page.exit_code else "Nothing has to change."


@sentence
def lever_change(lever: Lever) -> str:
    """A lever as something to change, without a full stop."""
    then = "then it fits" if lever.fits else "not enough by itself"
    saves = full_bytes(lever.saves_bytes)
    return f"{fit_lever(lever)}: {saves} less in the fullest PE, {then}"
