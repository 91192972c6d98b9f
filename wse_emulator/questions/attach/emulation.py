"""The recorded loop: every ``step()`` of an optimizer and its scheduler, compared and reported.

Every step still runs on the real tensors, through the same code; the numbers are those of the plain
loop, bit for bit. The first step is traced, placed and planned. Later ones are held against it,
since a static step takes the same cycles every time: the steps of :func:`is_compared_whole` op by
op, all others by what is cheap to see of the optimizer before and after them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import torch

from wse_emulator.capture.graphs import judge_graphs
from wse_emulator.capture.lineage import Lineage
from wse_emulator.capture.overlaps import judge_overlaps
from wse_emulator.capture.parameter_names import parameter_names
from wse_emulator.capture.step import (
    Scheduler,
    StepTrace,
)
from wse_emulator.errors import InputError, WseError
from wse_emulator.questions.attach.facts import (
    Facts,
    Held,
    facts_of,
    held_by,
    is_compared_whole,
    judge_held,
    judge_missing_gradients,
    judge_writes,
    same_rates,
    same_tensors,
    writes_between,
)
from wse_emulator.questions.attach.host_numbers import RATE, Formulas, following, is_host_number
from wse_emulator.questions.attach.kept import keep, put_back
from wse_emulator.questions.attach.plan import (
    LoopPlan,
    judge_step,
    layout_of,
    program_of,
    require_fit,
    untrained_of,
    what_changed,
)
from wse_emulator.questions.attach.record import LoopRecord, loop_result
from wse_emulator.questions.attach.stand_in import StandIn
from wse_emulator.questions.attach.tracing import (
    UserCall,
    has_closure,
    refuse_sparse,
    traced_step,
    traced_update,
)
from wse_emulator.request import Request
from wse_emulator.results.run import RunResult

_ABSENT: Final = object()
_COPIED: Final = ("_optimizer", "_record")


class Emulation:
    """An optimizer and scheduler whose steps are recorded. Made by :func:`attach`.

    A copy, or what is loaded from a pickle, is the record up to then: it reports, and records
    nothing more.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
        >>> emulation = wse_emulator.attach(optimizer, wafer="wse2:16x12", model=model)
        >>> model(torch.ones(8, 64)).square().mean().backward()
        >>> optimizer.step()
        >>> emulation.result().steps[0].cycles
        5002
        >>> emulation.detach()
        >>> optimizer.step()  # a plain step again: it is not recorded
        >>> len(emulation.result().steps)
        1
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        scheduler: Scheduler | torch.optim.lr_scheduler.LRScheduler | None,
        request: Request,
        model: torch.nn.Module | None,
    ) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise InputError(
                f"attach() takes a torch.optim.Optimizer, got {type(optimizer).__name__}"
            )
        if model is not None and not isinstance(model, torch.nn.Module):
            raise InputError(f"model is a torch.nn.Module, got {type(model).__name__}")
        if scheduler is not None and not callable(getattr(scheduler, "step", None)):
            raise InputError(f"{type(scheduler).__name__} has no step(), so it is no scheduler")
        if _is_attached(optimizer):
            raise InputError("the optimizer is attached to an emulation already; detach it first")
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._module = model
        self._on_host = isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
        self._record = LoopRecord(
            request, None if scheduler is None else type(scheduler).__name__, self._on_host
        )
        self._last: Facts | None = None
        self._held: Held | None = None
        self._numbers: dict[tuple[int, str], object] = {}
        self._unused: set[tuple[int, str]] = set()
        self._updates = 0
        self._lineage = Lineage(values=False)
        self._inside = False
        self._stand_ins: list[StandIn] = []
        if scheduler is not None and not self._on_host:
            self._stand_ins.append(StandIn(scheduler, self._update))
        self._stand_ins.insert(0, StandIn(optimizer, self._step))
        self._watch = optimizer.register_step_pre_hook(self._see_step)

    def __getstate__(self) -> dict[str, object]:
        """A copy has the record and a copy of the optimizer."""
        return {name: vars(self)[name] for name in _COPIED}

    def detach(self) -> None:
        """Leave optimizer and scheduler as they were before :func:`attach`.

        Emulations of one scheduler may be detached in any order, and more than once.
        """
        for stand_in in vars(self).get("_stand_ins", ()):
            stand_in.leave()
        if "_watch" in vars(self):
            self._watch.remove()

    def result(self) -> RunResult:
        """The report over all steps so far.

        Raises:
            InputError: no step has run.
        """
        return loop_result(self._record)

    def _is_watching(self, optimizer: torch.optim.Optimizer) -> bool:
        """Whether that optimizer is attached to it, and not a copy."""
        return "_stand_ins" in vars(self) and self._optimizer is optimizer

    def _see_step(self, *_: object) -> None:
        """Called by torch before every step, also one that was taken out before ``attach``."""
        if not vars(self).get("_inside", True):
            self._record.unseen_steps += 1

    def _step(self, *arguments: object, **named: object) -> object:
        """What stands in for ``optimizer.step``."""
        begin = time.perf_counter()
        self._inside = True
        try:
            outcome = self._recorded(arguments, named)
        finally:
            self._inside = False
        self._record.capture_seconds += time.perf_counter() - begin
        return outcome

    def _recorded(self, arguments: tuple[object, ...], named: Mapping[str, object]) -> object:
        record, optimizer = self._record, self._optimizer
        before = facts_of(optimizer)
        number = len(record.rates) + 1
        rate = _rate(optimizer)
        plan = record.plans[-1] if record.plans else None
        closure = has_closure(arguments, named)
        if plan is None and not closure and all(before.without_gradient):
            record.empty_steps += 1
            return self._stand_ins[0].plain(*arguments, **named)
        replaced = self._last is None or not same_tensors(self._last, before)
        why = what_changed(plan, optimizer) if plan is not None and replaced else ""
        if plan is None or why:
            outcome = self._first_step(arguments, named, before, number, why)
        else:
            changed = self._changed_numbers(before)
            if replaced or self._last is None or not same_rates(self._last, before):
                self._held = held_by(optimizer)
            if not closure:
                missing = (plan.without_gradient, before.without_gradient)
                _raise(judge_missing_gradients(plan.names, missing, (plan.first_step, number)))
            if replaced or changed or is_compared_whole(number - plan.first_step + 1):
                outcome = self._compared_step(arguments, named, before, number)
                self._unused |= changed
                self._numbers = before.numbers
            else:
                outcome = self._quick_step(arguments, named, before, number)
        record.rates.append(rate)
        return outcome

    def _first_step(
        self,
        arguments: tuple[object, ...],
        named: Mapping[str, object],
        before: Facts,
        number: int,
        why: str,
    ) -> object:
        """Trace a step, place it, and keep it as what later ones must be; or take it back."""
        optimizer, scheduler = self._optimizer, self._scheduler
        names = tuple(parameter_names(optimizer, self._module))
        refuse_sparse(optimizer, names)
        _raise(next(iter(judge_overlaps(optimizer, scheduler, names)), None))
        closure = has_closure(arguments, named)
        kept = keep(optimizer, gradients=not closure)
        held = held_by(optimizer)
        trace, formulas, outcome = self._traced(names, arguments, named)
        after = facts_of(optimizer)
        try:
            _raise(next(iter(trace.violations), None))
            self._judge_held(names, before, after, held)
            without = (after if closure else before).without_gradient
            program = program_of(optimizer, names, trace, without)
            plan = LoopPlan(
                first_step=number,
                why=why,
                names=names,
                trace=trace,
                formulas=formulas,
                program=program,
                untrained=untrained_of(program, self._module),
                writes=() if closure else writes_between(before, after),
                without_gradient=without,
                layout=layout_of(optimizer),
            )
            require_fit(plan, self._record.request)
        except WseError:
            put_back(optimizer, kept)
            raise
        self._record.plans.append(plan)
        self._record.compared_steps += 1
        self._last, self._numbers, self._unused = after, before.numbers, set()
        self._held = held
        return outcome

    def _compared_step(
        self,
        arguments: tuple[object, ...],
        named: Mapping[str, object],
        before: Facts,
        number: int,
    ) -> object:
        """Trace a later step and compare it with the first op by op."""
        plan, optimizer = self._record.plans[-1], self._optimizer
        trace, formulas, outcome = self._traced(plan.names, arguments, named)
        after = facts_of(optimizer)
        self._last = after
        _raise(next(iter(trace.violations), None))
        self._judge_held(plan.names, before, after, self._held)
        _raise(judge_step(plan, trace, formulas, number, every=self._every_number()))
        self._record.compared_steps += 1
        return outcome

    def _quick_step(
        self,
        arguments: tuple[object, ...],
        named: Mapping[str, object],
        before: Facts,
        number: int,
    ) -> object:
        """Run a later step as it is and compare what is cheap to see."""
        plan, optimizer = self._record.plans[-1], self._optimizer
        outcome = self._stand_ins[0].plain(*arguments, **named)
        after = facts_of(optimizer)
        self._last = after
        self._judge_held(plan.names, before, after, self._held)
        if has_closure(arguments, named):
            lacking = (plan.without_gradient, after.without_gradient)
            _raise(judge_missing_gradients(plan.names, lacking, (plan.first_step, number)))
        elif plan.writes:
            writes = (plan.writes, writes_between(before, after))
            _raise(judge_writes(optimizer, plan.names, writes, (plan.first_step, number)))
        return outcome

    def _judge_held(
        self, names: Sequence[str], before: Facts, after: Facts, held: Held | None
    ) -> None:
        """Raise what a step broke by what its optimizer holds after it; ``held`` is from before."""
        if held is not None and not (same_tensors(before, after) and same_rates(before, after)):
            _raise(judge_held(self._optimizer, names, held))

    def _changed_numbers(self, before: Facts) -> set[tuple[int, str]]:
        """Python numbers of the groups that changed since a step was compared, and may count.

        The host's are told by their formulas. Of the others a step is compared op by op, and those
        that change none of its ops are left alone from then on.
        """
        known = self._numbers
        changed = {k for k, value in before.numbers.items() if known.get(k, _ABSENT) != value}
        host = {key for key in changed if is_host_number(key[1], self._every_number())}
        self._record.host_numbers |= {key[1] for key in host if key in known}
        return changed - host - self._unused

    def _every_number(self) -> bool:
        """Whether a schedule of torch writes the groups; each leaves its first rate in them."""
        groups = self._optimizer.param_groups
        return self._on_host or any("initial_lr" in group for group in groups)

    def _traced(
        self,
        names: tuple[str, ...],
        arguments: tuple[object, ...],
        named: Mapping[str, object],
    ) -> tuple[StepTrace, Formulas, object]:
        plain = self._stand_ins[0].plain
        with following(self._optimizer) as formulas:
            self._lineage.step = len(self._record.rates)
            trace, outcome = traced_step(
                self._optimizer,
                self._scheduler,
                names,
                UserCall(plain, arguments, named),
                self._lineage,
            )
        return trace, formulas, outcome

    def _update(self, *arguments: object, **named: object) -> object:
        """What stands in for ``scheduler.step``."""
        assert self._scheduler is not None
        plain = self._stand_ins[1].plain
        if not is_compared_whole(self._updates + 1):
            outcome = plain(*arguments, **named)
            self._updates += 1
            return outcome
        begin = time.perf_counter()
        names = parameter_names(self._optimizer, self._module)
        trace, outcome = traced_update(
            self._optimizer, self._scheduler, names, UserCall(plain, arguments, named)
        )
        self._updates += 1
        _raise(next(iter(trace.violations), None))
        first = self._record.schedule
        if first is None:
            self._record.schedule = trace
        else:
            _raise(
                judge_graphs(
                    first.ops,
                    first.values,
                    trace.ops,
                    trace.values,
                    (1, self._updates),
                    (first.numbers, trace.numbers),
                )
            )
        self._record.capture_seconds += time.perf_counter() - begin
        return outcome


def _is_attached(optimizer: torch.optim.Optimizer) -> bool:
    hooks = optimizer._optimizer_step_pre_hooks.values()
    watching = (getattr(hook, "__self__", None) for hook in hooks)
    return any(isinstance(x, Emulation) and x._is_watching(optimizer) for x in watching)


def _raise(violation: WseError | None) -> None:
    if violation is not None:
        raise violation


def _rate(optimizer: torch.optim.Optimizer) -> float | None:
    """The rate of the first group; None where there is none to read."""
    rate = optimizer.param_groups[0].get(RATE)
    if isinstance(rate, torch.Tensor):
        return None if rate.is_meta or rate.numel() != 1 else float(rate)
    return float(rate) if isinstance(rate, (int, float)) else None
