"""What the first step of a loop gives: the program that is placed, and what later steps must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from wse_emulator.capture.graphs import judge_graphs
from wse_emulator.capture.kinds import in_model_order
from wse_emulator.capture.step import StepTrace, build_program, join_schedule
from wse_emulator.capture.storages import dtype_name
from wse_emulator.errors import DoesNotFitError, StaticRuleError
from wse_emulator.plan.known import known_of
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.questions.attach.host_numbers import (
    RATE,
    Formulas,
    as_in_first,
    constants_as_in_first,
    is_host_number,
)
from wse_emulator.request import Request


@dataclass(frozen=True, slots=True)
class HeldTensors:
    """What makes another step of an optimizer, if the loop changes it between steps.

    Attributes:
        tensors: identity, shape and dtype of each parameter; name, shape and dtype of its state.
        rates: of each group, whether its learning rate is a tensor.
    """

    tensors: tuple[object, ...]
    rates: tuple[bool, ...]


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
        layout: of the tensors that the optimizer holds.
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
    layout: HeldTensors


def program_of(
    optimizer: torch.optim.Optimizer,
    names: Sequence[str],
    trace: StepTrace,
    without_gradient: Sequence[bool],
) -> StepProgram:
    """The program of a traced step, whose gradients may be gone by now."""
    program = build_program(optimizer, None, names, trace)
    parameters = (
        dataclasses.replace(parameter, has_gradient=not without)
        for parameter, without in zip(program.parameters, without_gradient, strict=True)
    )
    return dataclasses.replace(program, parameters=tuple(parameters))


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


def require_fit(plan: LoopPlan, request: Request) -> None:
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
    plan: LoopPlan, trace: StepTrace, formulas_now: Formulas, step: int, *, every: bool
) -> StaticRuleError | None:
    """The first difference of a traced step from the plan's, beside the host's numbers, or None.

    ``every``: all Python numbers of the groups are the host's, not the rate alone.
    """
    host = {k for k in plan.trace.numbers if is_host_number(k.partition("[")[0], every)}
    numbers = {**trace.numbers, **{k: plan.trace.numbers[k] for k in host}}
    first, formulas = plan.trace, (plan.formulas, formulas_now)
    return judge_graphs(
        first.ops,
        first.values,
        as_in_first(first.ops, trace.ops, formulas, every=every),
        constants_as_in_first(first.values, trace.values, formulas, every=every),
        (plan.first_step, step),
        (first.numbers, numbers),
    )


def layout_of(optimizer: torch.optim.Optimizer) -> HeldTensors:
    """The layout as it is now."""
    tensors: list[object] = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state.get(p) or {}
            held = [(k, v) for k, v in state.items() if isinstance(v, torch.Tensor)]
            tensors.append((id(p), tuple(p.shape), p.dtype))
            tensors += [(k, tuple(v.shape), v.dtype) for k, v in held]
    rates = [isinstance(group.get(RATE), torch.Tensor) for group in optimizer.param_groups]
    return HeldTensors(tuple(tensors), tuple(rates))


def what_changed(plan: LoopPlan, optimizer: torch.optim.Optimizer) -> str:
    """Why the plan is no longer that of the optimizer, in words; empty if it still is."""
    now = layout_of(optimizer)
    before, after = (
        len(plan.without_gradient),
        sum(len(g["params"]) for g in optimizer.param_groups),
    )
    if before != after:
        return f"the optimizer has {after} parameters instead of {before}"
    if plan.layout.tensors != now.tensors:
        return "the optimizer has other parameters, or state of other shapes or formats"
    if plan.layout.rates != now.rates:
        return (
            "a learning rate is a tensor where it was a number, or a number where it was a tensor"
        )
    return ""
