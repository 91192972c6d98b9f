"""What the first step of a loop gives: the program that is placed, and what later steps must be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch

from wse_emulator.capture.graphs import judge_graphs
from wse_emulator.capture.kinds import in_model_order
from wse_emulator.capture.step import StepTrace, join_schedule
from wse_emulator.capture.storages import dtype_name
from wse_emulator.errors import DoesNotFitError, StaticRuleError
from wse_emulator.plan.known import known_of
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.questions.attach.facts import Facts
from wse_emulator.questions.attach.host_numbers import Formulas, as_in_first, is_host_number
from wse_emulator.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """The step of a loop, from one step on.

    Attributes:
        first_step: number of the step that it was made from, 1 for the loop's first.
        why: what changed before that step; empty for the loop's first.
        names: of the parameters, in the order of the groups.
        trace: the step as it was traced.
        formulas: the numbers that it computed from the host's.
        program: its program, without a schedule.
        untrained: parameters of the model that it does not step.
        writes: how often it wrote to each tensor; empty if a closure wrote too.
        without_gradient: of each parameter, whether it has no gradient.
        layout: shapes and dtypes of all tensors that the optimizer holds.
    """

    first_step: int
    why: str
    names: tuple[str, ...]
    trace: StepTrace
    formulas: Formulas
    program: StepProgram
    untrained: tuple[Parameter, ...]
    writes: tuple[int, ...]
    without_gradient: tuple[bool, ...]
    layout: tuple[object, ...]


def untrained_of(program: StepProgram, module: torch.nn.Module | None) -> tuple[Parameter, ...]:
    """The parameters of a module that its optimizer does not step: weights alone."""
    known = {parameter.name for parameter in program.parameters}
    named = [] if module is None else list(module.named_parameters())
    left = [(name, p) for name, p in named if name not in known]
    return tuple(
        Parameter(
            index=index,
            name=name,
            shape=tuple(p.shape),
            dtype=dtype_name(p.dtype),
            group=0,
            has_gradient=False,
        )
        for index, (name, p) in enumerate(left, start=len(program.parameters))
    )


def placed(
    plan: LoopPlan, request: Request, schedule: StepTrace | None, scheduler: str | None
) -> Placed:
    """The step placed and planned, with the schedule's ops before it.

    Raises:
        StaticRuleError: an op has no cost on a PE.
    """
    trace = plan.trace if schedule is None else join_schedule(plan.trace, schedule)
    program = dataclasses.replace(
        plan.program,
        scheduler=scheduler,
        values=trace.values,
        ops=trace.ops,
        schedule_ops=trace.schedule_ops,
    )
    ordered = in_model_order(program, (*program.parameters, *plan.untrained))
    return place_and_plan(known_of(ordered, request.wafer), request)


def admit(plan: LoopPlan, request: Request) -> None:
    """Refuse a step whose ops have no cost or whose tensors do not fit.

    Raises:
        StaticRuleError: an op has no cost on a PE.
        DoesNotFitError: a PE has too few bytes.
    """
    memory = placed(plan, request, None, None).memory
    if not memory.fits:
        raise DoesNotFitError(
            f"the step does not fit {request.wafer.name}: PE {memory.worst_pe} needs "
            f"{memory.worst_bytes:,} of {memory.capacity_bytes:,} bytes; take a larger wafer "
            "or an optimizer with less state"
        )


def judge_step(
    plan: LoopPlan, trace: StepTrace, formulas: Formulas, step: int, *, every: bool
) -> StaticRuleError | None:
    """The first difference of a traced step from the plan's, beside the host's numbers, or None.

    ``every``: all Python numbers of the groups are the host's, not the rate alone.
    """
    host = {k for k in plan.trace.numbers if is_host_number(k.partition("[")[0], every)}
    numbers = {**trace.numbers, **{k: plan.trace.numbers[k] for k in host}}
    return judge_graphs(
        plan.trace.ops,
        plan.trace.values,
        as_in_first(plan.trace.ops, trace.ops, (plan.formulas, formulas)),
        trace.values,
        (plan.first_step, step),
        (plan.trace.numbers, numbers),
    )


def layout_of(optimizer: torch.optim.Optimizer) -> tuple[object, ...]:
    """Shapes and dtypes of parameters, state and the tensors of groups, with their names."""
    found: list[object] = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state.get(p) or {}
            tensors = [(k, v) for k, v in state.items() if isinstance(v, torch.Tensor)]
            found.append((id(p), tuple(p.shape), p.dtype))
            found += [(k, tuple(v.shape), v.dtype) for k, v in tensors]
        found += [
            (k, isinstance(v, torch.Tensor)) for k, v in group.items() if k in {"lr", "params"}
        ]
    return tuple(found)


def what_changed(plan: LoopPlan, optimizer: torch.optim.Optimizer, facts: Facts) -> str:
    """Why the plan is no longer that of the optimizer, in words; empty if it still is."""
    before, now = len(plan.without_gradient), len(facts.parameters)
    if before != now:
        return f"the optimizer has {now} parameters, and {before} before"
    if plan.layout != layout_of(optimizer):
        return "the optimizer holds other tensors than before"
    return ""
