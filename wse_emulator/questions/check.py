"""``check``: any optimizer, judged by the static-state rules."""

from __future__ import annotations

import dataclasses
import inspect
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Final

import torch

from wse_emulator.capture.apart import Attempt, Way, judge_apart
from wse_emulator.capture.calls import asks_for, takes_arguments
from wse_emulator.capture.copies import NeedsValuesError, NotCopiedError
from wse_emulator.capture.objects import GivenStep, given_steps
from wse_emulator.capture.step import Scheduler
from wse_emulator.capture.without_values import NoValueError, WithoutValues
from wse_emulator.errors import FactoryError, InputError, NotJudgedError, StaticRuleError
from wse_emulator.models.factory import call_factory, import_factory
from wse_emulator.ops import check_costs
from wse_emulator.questions.stand_in import built_on_stand_in
from wse_emulator.results.check import CheckReport
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer import WSE2

MOST_COPIED_BYTES: Final = 2**28
"""A step that asks for values is judged with values without being told to if its parameters hold
at most so many bytes."""

One = torch.optim.Optimizer | Sequence[torch.optim.Optimizer]


def check(
    optimizer: One,
    scheduler: Scheduler | Sequence[Scheduler] | None = None,
    *,
    model: torch.nn.Module | Sequence[torch.nn.Module] | None = None,
    steps: int = 16,
    real: bool = False,
    tell: Tell | None = None,
) -> CheckReport:
    """Judge any optimizer by the static-state rules.

    A copy is stepped ``steps`` times with a fresh gradient for every parameter that requires one.
    Parameters, gradients, state, schedulers and model stay as they are. The copy has no values, so
    that a model of any size takes neither time nor memory; a step that asks for values is judged
    once more on a copy with values. A step that needs a closure is given one, and a scheduler that
    needs a metric a number.

    Args:
        optimizer: one, or several that train together; legal is what all of them are.
        scheduler: steps after its optimizer; one, several or none.
        model: gives parameters their names; one, several or none.
        steps: how many steps are captured.
        real: copy values from the start.
        tell: called with the name of each stage of the work as it begins.

    Returns:
        The verdict with one entry a rule and state.

    Raises:
        InputError: no parameters, one without a size, or ``steps`` below 1.
        NotJudgedError: the step raises by itself, or the optimizer cannot be copied.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(4))
        >>> wse_emulator.check(optimizers.AdamW([p])).legal
        True
        >>> report = wse_emulator.check(torch.optim.AdamW([p]))
        >>> report.legal
        False
        >>> print(report.violations[0].remedy)
        use optimizers.AdamW, which allocates all state in its constructor; optimizers.from_torch
        converts this one
    """
    given = given_steps([optimizer, scheduler, model], "check was given")
    return _judged_or_raise(
        _report([_Case(step, step) for step in given], steps, real, tell or silent)
    )


def check_factory(
    text: str, *, steps: int = 16, real: bool = False, tell: Tell = silent
) -> CheckReport:
    """Judge what a ``module:factory`` returns, as :func:`check` does.

    The factory runs on tensors without values, so that building a model takes neither time nor
    memory. A factory that asks for values, or a step that does, has it run once more with values.
    A class of optimizers is built on a small model of its own.

    Args:
        text: ``module:factory`` or ``file.py:factory``; takes no arguments, and returns an
            optimizer or tuples and lists of optimizers, schedulers and models.
        steps: how many steps are captured.
        real: run the factory and the steps with values from the start.
        tell: called with the name of each stage of the work as it begins.

    Raises:
        FactoryError: the factory fails, or returns something else.
        InputError, NotJudgedError: as for :func:`check`.
    """
    return _judged_or_raise(verdict_on_factory(text, steps=steps, real=real, tell=tell))


def verdict_on_factory(
    text: str, *, steps: int = 16, real: bool = False, tell: Tell = silent
) -> CheckReport:
    """As :func:`check_factory`, but a report also for what could not be judged: it says why."""
    build, notes = _builder(text)
    tell(f"building the optimizer of {text}")
    cases = None if real else _cases_without_values(build, text)
    if cases is None:
        cases = [_Case(step, step, owned=True) for step in given_steps(build(), f"{text} returned")]
    report = _report(cases, steps, real, tell)
    return dataclasses.replace(report, factory=text, notes=(*notes, *report.notes))


class _Case:
    """An optimizer to be judged: as it is without values, and as it is with values.

    ``owned`` says that nobody else has it, so that it may be stepped itself where it cannot be
    copied.
    """

    def __init__(
        self,
        bare: GivenStep,
        valued: GivenStep | Callable[[], GivenStep],
        *,
        owned: bool = False,
        lost: frozenset[int] = frozenset(),
    ) -> None:
        self.bare = bare
        self.owned = owned
        self.lost = lost
        self._valued = valued

    def valued(self) -> GivenStep:
        """The optimizer with values, built now if it was built without."""
        if not isinstance(self._valued, GivenStep):
            self._valued = self._valued()
        return self._valued

    def attempt(self, steps: int, tell: Tell, *, values: bool, closure: bool) -> Attempt:
        """Judge a copy, or what cannot be copied itself if nobody else has it."""
        given = self.valued() if values else self.bare
        way = Way(values=values, closure=closure, lost=self.lost)
        try:
            return judge_apart(given, steps, way, tell)
        except NotCopiedError:
            if not self.owned:
                raise
            return judge_apart(given, steps, dataclasses.replace(way, copied=False), tell)


def _builder(text: str) -> tuple[Callable[[], object], tuple[str, ...]]:
    """What builds the objects, and what there is to know about it."""
    found = import_factory(text)
    if inspect.isclass(found) and issubclass(found, torch.optim.Optimizer):
        return built_on_stand_in(found, text)
    return (lambda: call_factory(text, found)), ()


def _cases_without_values(build: Callable[[], object], text: str) -> list[_Case] | None:
    """What a factory makes on tensors without values; None if it cannot."""
    without = WithoutValues()
    said = io.StringIO()
    try:
        with redirect_stderr(said), without, without.as_on_cpu():
            made = build()
    except FactoryError:
        return None  # it is called again, and says then what it has to say
    sys.stderr.write(said.getvalue())
    again: list[tuple[GivenStep, ...]] = []

    def valued(number: int) -> Callable[[], GivenStep]:
        def build_with_values() -> GivenStep:
            if not again:
                again.append(given_steps(build(), f"{text} returned"))
            return again[0][number]

        return build_with_values

    return [
        _Case(step, valued(number), owned=True, lost=without.lost)
        for number, step in enumerate(given_steps(made, f"{text} returned"))
    ]


def _report(cases: Sequence[_Case], steps: int, real: bool, tell: Tell) -> CheckReport:
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    parts = [_verdict(case, steps, real, tell) for case in cases]
    if len(parts) == 1:
        report = dataclasses.replace(parts[0], of="")
    else:
        report = CheckReport(
            optimizer=", ".join(part.optimizer for part in parts),
            steps=steps,
            violations=tuple(v for part in parts for v in part.violations),
            notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
            empty=all(part.empty for part in parts),
            unjudged="; ".join(part.unjudged for part in parts if part.unjudged) or None,
            parts=tuple(parts),
        )
    return report


def _judged_or_raise(report: CheckReport) -> CheckReport:
    if report.unjudged is not None and not report.violations:
        raise NotJudgedError(f"could not be judged: {report.unjudged}")
    return report


def _verdict(case: _Case, steps: int, real: bool, tell: Tell) -> CheckReport:
    """The verdict on one optimizer."""
    step = case.bare
    attempt: Attempt | None
    try:
        attempt, notes = _judged(case, steps, real, tell)
        unjudged = (
            None if attempt.failure is None else _said(attempt, asks_for(step.optimizer.step))
        )
    except NotCopiedError as error:
        attempt, notes = None, ()
        unjudged = f"{error}; wse check MODULE:FACTORY judges what a factory builds without a copy"
    found = list(attempt.violations) if attempt else []
    if attempt is not None and attempt.program is not None:
        try:
            check_costs(attempt.program, WSE2)
        except StaticRuleError as error:
            found.append(error)
    if found and unjudged is not None:
        notes = (*notes, f"What follows is not judged: {unjudged}.")
        unjudged = None
    empty = attempt is not None and attempt.empty and not found
    if empty:
        notes = (*notes, *_frozen(step))
    first, *others = step.names
    more = f" and {len(others)} more parameter{'s' if len(others) > 1 else ''}" if others else ""
    return CheckReport(
        optimizer=step.name,
        steps=steps,
        violations=tuple(found),
        notes=notes,
        empty=empty,
        unjudged=unjudged,
        of=first + more,
    )


def _judged(case: _Case, steps: int, real: bool, tell: Tell) -> tuple[Attempt, tuple[str, ...]]:
    """Without values if that will do, else with them; with a closure if that helps."""
    needed = bool(asks_for(case.bare.optimizer.step))
    closures = [True] if needed else [False]
    if not needed and takes_arguments(case.bare.optimizer.step):
        closures.append(True)
    bare: Attempt | None = None
    shared: NeedsValuesError | None = None
    if not real:
        for closure in closures:
            try:
                bare = case.attempt(steps, tell, values=False, closure=closure)
            except NeedsValuesError as error:
                shared = error
                break
            if bare.failure is None and not (bare.empty and closure is not closures[-1]):
                return bare, ()
        too_large = _without_values(case)
        if too_large is not None and bare is not None:
            return bare, (too_large,)
        if too_large is not None and shared is not None:
            raise NotCopiedError(f"{shared}. {too_large}")
    tell("building it with values")
    attempts = []
    for closure in closures:
        attempts.append(case.attempt(steps, tell, values=True, closure=closure))
        if attempts[-1].failure is None and not attempts[-1].empty:
            return attempts[-1], ()
    return attempts[0], ()


def _without_values(case: _Case) -> str | None:
    """Why a step that asks for values is not judged with values."""
    if case.bare.size_bytes > MOST_COPIED_BYTES:
        return (
            f"The step asks for values, and its parameters hold {case.bare.size_bytes:,} B; --real "
            "(in Python: real=True) judges it with values."
        )
    if any(p.is_meta for p in case.bare.parameters) and not case.owned:
        return (
            "The step asks for values, and its parameters are on the meta device, which holds "
            "none; build the model with values."
        )
    return None


def _said(attempt: Attempt, asked: tuple[str, ...]) -> str:
    error = attempt.failure
    text = " ".join(str(error).split())
    raised = f"{attempt.failing} raises {type(error).__name__}{': ' if text else ''}{text}"
    if isinstance(error, NoValueError):
        return f"{attempt.failing} asks for a value that a copy without values does not have"
    if len(asked) > 1:
        return f"{raised}; a step may ask for a closure, and for nothing else"
    return f"{raised}; run one step by itself and mend what it raises"


def _frozen(step: GivenStep) -> tuple[str, ...]:
    """That parameters are frozen, as a reason for a step that does nothing."""
    count, frozen = len(step.parameters), sum(not p.requires_grad for p in step.parameters)
    if not frozen:
        return ()
    of = f"All {count}" if frozen == count else f"{frozen} of {count}"
    return (f"{of} parameters of {step.name} are frozen (requires_grad=False).",)
