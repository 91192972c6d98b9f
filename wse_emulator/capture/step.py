"""Capture: one traced step of the real optimizer and scheduler becomes a :class:`StepProgram`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from wse_emulator.capture.acts import Act
from wse_emulator.capture.bindings import (
    bindings,
    hyper_parameters,
    judge_bindings,
    judge_bound_gradients,
)
from wse_emulator.capture.caller import raised_at
from wse_emulator.capture.graphs import judge_graphs
from wse_emulator.capture.lineage import Constant, Lineage
from wse_emulator.capture.overlaps import judge_overlaps
from wse_emulator.capture.owners import assign_scalars, schedule_first
from wse_emulator.capture.parameter_names import parameter_names
from wse_emulator.capture.rules import (
    at,
    judge_constants,
    judge_foreign_writes,
    judge_seen,
    say_once,
    step_begins_at,
)
from wse_emulator.capture.scaling import AS_THEY_ARE, GradientScaling
from wse_emulator.capture.shared_sums import share_sums
from wse_emulator.capture.state import judge_state, name_new_state, snapshot
from wse_emulator.capture.storages import StorageTable, TensorPlace, declare_step
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.capture.unseen import Unseen, holder_phrase
from wse_emulator.errors import (
    InputError,
    ParametersChangedError,
    StaticRuleError,
    StepFailedError,
)
from wse_emulator.program import Parameter, StepProgram, TensorOp, Value, ValueKind


class Scheduler(Protocol):
    """What capture asks of a learning-rate scheduler."""

    def step(self) -> None:
        """Move to the next step and write the rate into the optimizer's groups."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How one step is made: the call of the optimizer, given the tracer, and of the scheduler."""

    step: Callable[[StepTracer], object]
    update_rate: Callable[[], object] | None


@dataclass(frozen=True, slots=True)
class StepTrace:
    """One traced step: its ops over its values, the schedule's ops first, and what it broke.

    ``clean`` says that no state was created, removed or replaced, so that the graph is that of
    a settled step. ``constants`` are what it read and neither declared nor made by an op, and
    ``hidden`` those among them that an earlier step made; both are empty without a lineage.
    """

    ops: tuple[TensorOp, ...]
    values: tuple[Value, ...]
    schedule_ops: int
    violations: tuple[StaticRuleError, ...]
    numbers: dict[str, object]
    clean: bool
    constants: dict[int, Constant] = dataclasses.field(default_factory=dict)
    hidden: frozenset[int] = frozenset()


def trace_step(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None,
    names: Sequence[str],
    scaling: GradientScaling = AS_THEY_ARE,
    lineage: Lineage | None = None,
) -> StepTrace:
    """Run and trace one real optimizer step, then one scheduler update.

    Clipping and loss scaling are part of the step. An error raised inside is a violation if no
    other explains it. With a ``lineage``, which is handed on from step to step, what outlives a
    step and what changes unseen are violations too.
    """
    return _trace(
        optimizer,
        scheduler,
        names,
        lambda tracer: scaling.step(optimizer, tracer),
        None if scheduler is None else scheduler.step,
        scaling,
        lineage,
    )


def trace_update(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None,
    names: Sequence[str],
    step: Callable[[StepTracer], object],
    lineage: Lineage | None = None,
) -> StepTrace:
    """Run and trace one optimizer step alone; ``step`` is given the tracer, to pause it.

    With a ``lineage`` it is judged as by :func:`trace_step`.
    """
    return _trace(optimizer, scheduler, names, step, None, lineage=lineage)


def trace_schedule(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler,
    names: Sequence[str],
    step: Callable[[], object],
) -> StepTrace:
    """Run and trace one scheduler update alone."""
    return _trace(optimizer, scheduler, names, None, step)


def join_schedule(update: StepTrace, schedule: StepTrace) -> StepTrace:
    """One step from an update and a schedule that were traced apart.

    Both traces begin with the same declared storages; what the schedule makes is renumbered.
    """
    place = {value.name: value.index for value in update.values}
    values = list(update.values)
    index_of: dict[int, int] = {}
    for value in schedule.values:
        made_in_schedule = value.kind is ValueKind.TEMPORARY
        undeclared = made_in_schedule or value.name.startswith("constant[")
        if not undeclared and value.name in place:
            index_of[value.index] = place[value.name]
            continue
        index_of[value.index] = len(values)
        values.append(
            dataclasses.replace(
                value,
                index=len(values),
                name=f"%{len(values)}" if made_in_schedule else value.name,
            )
        )
    moved = [
        dataclasses.replace(
            op,
            reads=tuple(index_of[i] for i in op.reads),
            writes=tuple(index_of[i] for i in op.writes),
        )
        for op in schedule.ops
    ]
    ops = tuple(
        dataclasses.replace(op, index=index) for index, op in enumerate([*moved, *update.ops])
    )
    return dataclasses.replace(
        update,
        ops=ops,
        values=tuple(values),
        schedule_ops=len(moved),
        violations=(*update.violations, *schedule.violations),
    )


def _trace(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None,
    names: Sequence[str],
    step: Callable[[StepTracer], object] | None,
    update_rate: Callable[[], object] | None,
    scaling: GradientScaling = AS_THEY_ARE,
    lineage: Lineage | None = None,
) -> StepTrace:
    names = list(names)
    table = StorageTable()
    declare_step(table, optimizer, scheduler, names)
    scaling.declare(table, optimizer)
    before, bound = snapshot(optimizer), bindings(optimizer)
    numbers = hyper_parameters(optimizer)
    unseen = Unseen(lineage, optimizer, names)
    tracer = StepTracer(table, lineage, unseen.guard)
    tracer.kept = holder_phrase(optimizer, names)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    tracer.without_values = any(p.device.type == "meta" for p in parameters)
    failure: Exception | None = None
    violations: list[StaticRuleError] = []
    update_ops = 0

    def where(place: TensorPlace | None) -> str:
        value = None if place is None else table.value_at(place.storage)
        made = "" if value is None else table.made_at.get(value.index, "")
        return at(made) or step_begins_at(optimizer)

    try:
        if step is not None:
            with tracer:
                step(tracer)
    except Exception as error:
        failure = error
    update_ops = len(tracer.ops)
    moved = judge_bindings(optimizer, names, bound, bindings(optimizer), where)
    if moved and isinstance(moved[0], ParametersChangedError):
        # the state of another list of parameters cannot be compared with what was
        return StepTrace((), (), 0, tuple(moved), numbers, clean=False)
    moved += judge_bound_gradients(optimizer, names, table, where)
    try:
        if update_rate is not None and failure is None:
            tracer.updating_rates = True
            with tracer:
                update_rate()
    except Exception as error:
        failure = error
    schedule_ops = len(tracer.ops) - update_ops
    state_violations = judge_state(optimizer, names, before, snapshot(optimizer), where)
    values = name_new_state(table, optimizer, names)
    violations += [*state_violations, *moved]
    violations += judge_seen(tracer.seen, values, names)
    violations += judge_foreign_writes(tracer.foreign_writes, values, names)
    if failure is None:
        made = tracer.made(tracer.ops[:update_ops])
        violations += unseen.judge(table, made, tracer.writes, step_begins_at(optimizer))
    elif not violations:
        violations.append(
            StepFailedError(
                f"{type(optimizer).__name__}.step() raises {type(failure).__name__}: {failure}"
                f"{at(raised_at(failure.__traceback__))}",
                remedy="run one step of the optimizer by itself and mend what it raises",
            )
        )
    ops, values = assign_scalars(schedule_first(tracer.ops, update_ops), values, schedule_ops)
    return StepTrace(
        ops,
        values,
        schedule_ops,
        say_once(violations),
        numbers,
        not state_violations and not moved and failure is None,
        tracer.constants,
        frozenset(
            [s.value for s in tracer.seen if s.act is Act.OLD_STORAGE and s.value is not None]
            + [write.value for write in tracer.foreign_writes]
        ),
    )


def judge_steps(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    *,
    model: torch.nn.Module | None = None,
    names: Sequence[str] | None = None,
    scaling: GradientScaling = AS_THEY_ARE,
    steps: int = 16,
    traced: Sequence[torch.Tensor] | None = None,
    calls: Calls | None = None,
) -> tuple[StepProgram | None, tuple[StaticRuleError, ...]]:
    """Trace ``steps`` steps with fresh gradients and judge them by the static-state rules.

    The optimizer (and scheduler) really steps: parameters and state move. ``traced`` are the
    parameters that are given gradients; default: all. ``calls`` says how the optimizer and the
    scheduler are called; default: without arguments. ``names`` are those of the parameters in
    group order; default: those of ``model``.

    Returns:
        The program of the first settled step (None if no step settles), and the violations,
        each said once.

    Raises:
        InputError: the optimizer has no parameters, or ``steps`` is below 1.
    """
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    names = list(names) if names is not None else parameter_names(optimizer, model)
    if not names:
        raise InputError("the optimizer has no parameters; there is no step to capture")
    overlaps = judge_overlaps(optimizer, scheduler, names)
    if overlaps:
        return None, tuple(overlaps)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    generator = torch.Generator().manual_seed(0)
    base: StepTrace | None = None
    base_number = 0
    violations: list[StaticRuleError] = []
    lineage = Lineage()
    for number in range(1, steps + 1):
        _give_gradients(parameters if traced is None else traced, generator)
        if calls is None:
            trace = trace_step(optimizer, scheduler, names, scaling, lineage)
        else:
            trace = _trace(
                optimizer, scheduler, names, calls.step, calls.update_rate, lineage=lineage
            )
        violations += trace.violations
        if any(isinstance(v, ParametersChangedError) for v in trace.violations):
            return None, say_once(violations)
        if base is None:
            base, base_number = (trace, number) if trace.clean else (None, 0)
            continue
        changed = judge_graphs(
            base.ops,
            base.values,
            trace.ops,
            trace.values,
            (base_number, number),
            (base.numbers, trace.numbers),
        ) or judge_constants(
            base.constants, trace.constants, trace.values, (base_number, number), trace.hidden
        )
        if changed is not None:
            violations.append(changed)
    if base is None:
        return None, say_once(violations)
    return build_program(optimizer, scheduler, names, base), say_once(violations)


def capture_step(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    *,
    model: torch.nn.Module | None = None,
    scaling: GradientScaling = AS_THEY_ARE,
    steps: int = 2,
    traced: Sequence[torch.Tensor] | None = None,
) -> StepProgram:
    """The step program of a legal optimizer, with clipping and loss scaling if asked for.

    ``traced`` are the parameters that are given gradients; default: all.

    Raises:
        StaticRuleError: the first violation, as an instance of the rule's own class.
    """
    program, violations = judge_steps(
        optimizer, scheduler, model=model, scaling=scaling, steps=steps, traced=traced
    )
    if violations:
        raise violations[0]
    assert program is not None  # a step that does not settle has a violation
    return program


def build_program(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None,
    names: Sequence[str],
    trace: StepTrace,
) -> StepProgram:
    """The immutable program of a traced step."""
    parameters: list[Parameter] = []
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            index = len(parameters)
            parameters.append(
                Parameter(
                    index=index,
                    name=names[index],
                    shape=tuple(p.shape),
                    dtype=str(p.dtype).removeprefix("torch."),
                    group=number,
                    has_gradient=p.grad is not None,
                )
            )
    program = StepProgram(
        optimizer=type(optimizer).__name__,
        scheduler=None if scheduler is None else type(scheduler).__name__,
        parameters=tuple(parameters),
        values=trace.values,
        ops=trace.ops,
        schedule_ops=trace.schedule_ops,
    )
    return share_sums(program)


def _give_gradients(parameters: Sequence[torch.Tensor], generator: torch.Generator) -> None:
    for p in parameters:
        if p.device.type == "meta":
            p.grad = torch.empty_like(p)  # another one each time, as a backward pass makes it
            continue
        values = torch.randn(p.shape, generator=generator, dtype=torch.float32)
        p.grad = values.to(dtype=p.dtype, device=p.device)
