"""A step is judged apart from what the caller has: on a copy, with values or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final

import torch

from wse_emulator.capture.calls import METRIC, LossClosure, asks_for
from wse_emulator.capture.copies import twin
from wse_emulator.capture.objects import GivenStep
from wse_emulator.capture.step import Calls, judge_steps
from wse_emulator.capture.storages import storage_key
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.capture.untouched import untouched
from wse_emulator.capture.without_values import WithoutValues
from wse_emulator.errors import StaticRuleError, StepFailedError
from wse_emulator.program import StepProgram
from wse_emulator.tell import Tell

PARTS_TOLD: Final = 4
"""In how many parts the steps of one way are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of judging a step in one way.

    Attributes:
        program: of the first settled step; None if none settles.
        violations: each said once.
        failure: what the step, or a scheduler, raises; None if nothing does.
        failing: which call raises, as ``AdamW.step()``.
    """

    program: StepProgram | None
    violations: tuple[StaticRuleError, ...]
    failure: BaseException | None
    failing: str

    @property
    def empty(self) -> bool:
        """Whether the step went through and issued no op."""
        ops = () if self.program is None else self.program.ops
        return self.failure is None and self.program is not None and not ops


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a step is judged.

    Attributes:
        values: on tensors with values.
        closure: the step is given a closure.
        copied: the step that is given stays as it is.
        lost: keys of its storages that do not hold what was written to them.
    """

    values: bool
    closure: bool
    copied: bool = True
    lost: frozenset[int] = frozenset()


def judge_apart(given: GivenStep, steps: int, way: Way, tell: Tell) -> Attempt:
    """Judge ``steps`` steps in one way.

    Raises:
        NotCopiedError: something that the optimizer holds cannot be copied.
    """
    step = given
    own: tuple[torch.UntypedStorage, ...] = ()
    if way.copied:
        bare = {storage_key(p) for p in given.parameters}
        bare |= {storage_key(p.grad) for p in given.parameters if p.grad is not None}
        pair = (given.optimizer, given.schedulers)
        made = twin(pair, values=way.values, bare=() if way.values else bare | way.lost)
        optimizer, schedulers = made.copy
        step = GivenStep(optimizer=optimizer, schedulers=schedulers, names=given.names)
        own = made.storages
    used = (given.optimizer, *given.schedulers)
    context = copy_context()  # what the step sets in it is gone with it
    with untouched(used, own if way.values and way.copied else None):
        if way.values:
            return context.run(_judged, step, steps, way.closure, None, tell)
        with WithoutValues(own) as without:
            return context.run(_judged, step, steps, way.closure, without, tell)


def _judged(
    step: GivenStep, steps: int, closure: bool, without: WithoutValues | None, tell: Tell
) -> Attempt:
    trained = [p for p in step.parameters if p.requires_grad]
    generator = torch.Generator().manual_seed(1)
    failed: list[tuple[str, BaseException]] = []
    done = 0
    portion = -(-steps // PARTS_TOLD)

    @contextmanager
    def users_code(what: object) -> Iterator[None]:
        try:
            with nullcontext() if without is None else without.as_on_cpu(draws=True):
                yield
        except BaseException as error:
            failed.append((f"{type(what).__name__}.step()", error))
            if isinstance(error, (SystemExit, GeneratorExit)):
                raise RuntimeError(f"{type(error).__name__}: {error}") from error
            raise

    def update(tracer: StepTracer) -> None:
        nonlocal done
        done += 1
        if (done - 1) % portion == 0:
            tell(f"step {done:,} of {steps:,}")
        with users_code(step.optimizer):
            if closure:
                step.optimizer.step(LossClosure(step, tracer, trained, generator))  # type: ignore[arg-type]  # torch wants a float
            else:
                step.optimizer.step()

    def update_rate() -> None:
        for scheduler in step.schedulers:
            with users_code(scheduler):
                call = scheduler.step  # type: ignore[attr-defined]  # it has been looked for
                call(METRIC) if asks_for(call) else call()

    program, violations = judge_steps(
        step.optimizer,
        _together(step.schedulers),  # type: ignore[arg-type]  # called by update_rate alone
        names=step.names,
        steps=steps,
        traced=trained,
        calls=Calls(update, update_rate if step.schedulers else None),
    )
    failing, failure = failed[0] if failed else ("", None)
    return Attempt(
        program=program,
        violations=tuple(v for v in violations if not isinstance(v, StepFailedError)),
        failure=failure,
        failing=failing,
    )


@dataclass(frozen=True, slots=True)
class _Together:
    """Several schedulers, whose tensors are looked for in all of them."""

    schedulers: tuple[object, ...]


def _together(schedulers: tuple[object, ...]) -> object | None:
    return _Together(schedulers) if len(schedulers) > 1 else next(iter(schedulers), None)
