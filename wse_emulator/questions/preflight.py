"""``preflight``: all questions about a planned run, each asked even if another one fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from optimizers import Optimizer
from wse_emulator.capture.built import PreparedStep, prepare_step
from wse_emulator.configs.read import RunConfig, read_run_config
from wse_emulator.errors import InputError, StaticRuleError, WseError
from wse_emulator.inputs.optimizer import OptimizerChoice
from wse_emulator.inputs.precision import Precision
from wse_emulator.inputs.read import Asked, Mode, to_request
from wse_emulator.models.load import is_run_config
from wse_emulator.questions.fit.judge import judge
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.report import report as report_of_fit
from wse_emulator.questions.rates import constant_course, course_of
from wse_emulator.questions.run import run_prepared
from wse_emulator.results.check import CheckReport
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Course, Preflight, StepTime
from wse_emulator.results.run import RunResult
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.spec import WaferSpec

LEVERS_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run that is to be queued.

    Attributes:
        model: as :func:`wse_emulator.run` takes it; a run config brings all the rest.
        config: a run config beside the model.
        optimizer, lr, lr_schedule, options, max_grad_norm: as for ``run``; go before the config.
        wafer, engine: where, and how it is emulated.
        mode: ``pipelined``, ``weight-streaming`` or ``auto``.
        precision: dtypes of what is stored; default: the config's, or those of the model.
        batch_size, sequence: samples a step, tokens a sample; default: the config's.
        steps: steps the run is to take; default: the config's.
        checked: the verdict on an optimizer of the user's own, where there is one.
        command: the command that repeats this.
    """

    model: str
    config: Path | None = None
    optimizer: str | None = None
    lr: float | None = None
    lr_schedule: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    max_grad_norm: float | None = None
    wafer: WaferSpec = WSE2
    engine: str = "array"
    mode: Mode = "auto"
    precision: Precision | None = None
    batch_size: int | None = None
    sequence: int | None = None
    steps: int | None = None
    checked: CheckReport | None = None
    command: str = ""


def preflight(plan: Plan, tell: Callable[[str], object] = str) -> Preflight:
    """Judge a planned run: legal, fits, schedule as meant, step time, what to change.

    Args:
        tell: called with the name of each stage as it begins; does nothing by default.

    Raises:
        InputError: the model or the run config cannot be read, so that nothing can be answered.
    """
    if plan.steps is not None and plan.steps < 1:
        raise InputError(f"steps is {plan.steps}; give a whole number of 1 or more")
    if plan.config is None and is_run_config(plan.model):
        plan = replace(plan, config=Path(plan.model))
    config = None if plan.config is None else read_run_config(plan.config)
    problems: list[str] = []
    tell("reading the model")
    prepared = _prepared(plan, problems)
    report = _fit(plan, config, prepared, problems, tell)
    if prepared is None and report is None:
        raise InputError(problems[0])
    tell("evaluating the schedule")
    schedules = _schedules(plan, config, prepared, problems)
    violations = list(plan.checked.violations if plan.checked else ())
    result = None
    if prepared is not None:
        try:
            result = run_prepared(prepared, plan.wafer, engine=plan.engine, tell=tell)
        except StaticRuleError as error:
            violations.append(error)
        except WseError as error:
            problems.append(str(error))
    unused = prepared.step.unused if prepared else ()
    return Preflight(
        model=prepared.model if prepared else plan.model,
        optimizer=type(prepared.step.optimizer).__name__ if prepared else plan.optimizer or "",
        wafer=plan.wafer.name,
        legal=False if violations else (None if result is None else True),
        violations=tuple(violations),
        fit=report,
        schedules=schedules,
        time=_time(report, result),
        changes=_changes(violations, report, schedules, problems, unused),
        problems=tuple(problems),
        unused=unused,
        command=plan.command,
    )


def _prepared(plan: Plan, problems: list[str]) -> PreparedStep | None:
    try:
        return prepare_step(
            plan.model,
            optimizer=plan.optimizer,
            config=plan.config,
            lr=plan.lr,
            lr_schedule=plan.lr_schedule,
            options=plan.options,
            max_grad_norm=plan.max_grad_norm,
        )
    except WseError as error:
        problems.append(str(error))
        return None


def _fit(
    plan: Plan,
    config: RunConfig | None,
    prepared: PreparedStep | None,
    problems: list[str],
    tell: Callable[[str], object],
) -> FitReport | None:
    """Memory with the same optimizer; the levers only where they are needed."""
    from_config = config if plan.config != Path(plan.model) else None
    batch, sequence = plan.batch_size, plan.sequence
    if from_config is not None:
        batch = from_config.batch_size if batch is None else batch
        sequence = from_config.sequence_length if sequence is None else sequence

    asked = Asked(
        model=plan.model,
        optimizer=_choice(prepared.step.optimizer) if prepared else plan.optimizer,
        lr=plan.lr,
        options=plan.options,
        wafer=plan.wafer,
        mode=plan.mode,
        precision=plan.precision,
        batch_size=batch,
        sequence=sequence,
    )
    try:
        tell("planning the model as it is")
        judgement = judge(to_request(asked))
        levers = () if judgement.memory.fits else pull_levers(judgement, tell)
        return report_of_fit(judgement, levers=levers, command=plan.command)
    except StaticRuleError:
        return None  # the same rule is found, and told, by the capture of the step
    except WseError as error:
        problems.append(str(error))
        return None


def _choice(optimizer: Optimizer) -> OptimizerChoice:
    """The built optimizer as a choice: what its constructor was given, as far as it is plain."""
    accepted = inspect.signature(type(optimizer)).parameters
    group = {
        name: value
        for name, value in optimizer.param_groups[0].items()
        if name in accepted and name != "params" and not isinstance(value, torch.Tensor)
    }
    if "lr" in accepted:
        group["lr"] = 1e-3  # the rate is no part of memory; a schedule may have set it to 0
    return OptimizerChoice(name=type(optimizer).__name__, options=group)


def _schedules(
    plan: Plan, config: RunConfig | None, prepared: PreparedStep | None, problems: list[str]
) -> tuple[Course, ...]:
    if prepared is None:
        return ()
    steps = plan.steps or (config.max_steps if config else None)
    if not prepared.step.schedulers:
        rate = prepared.step.optimizer.param_groups[0].get("lr")
        return () if rate is None else (constant_course(float(rate), steps),)
    try:
        return tuple(course_of(scheduler, steps) for scheduler in prepared.step.schedulers)
    except WseError as error:
        problems.append(str(error))
        return ()


def _time(report: FitReport | None, result: RunResult | None) -> StepTime | None:
    if report is None or not report.fits:
        return None
    server = report.weight_server
    if server is not None:
        return StepTime(
            cycles=None,
            seconds=server.link_seconds,
            interval=(server.link_seconds, None),
            words="weights and gradients over the link, the least a step takes; the optimizer "
            "runs at the weight server and is not timed",
        )
    if result is None or not result.steps:
        return None
    step = result.steps[0]
    activations = ", timed without activations in SRAM" if report.activations_counted else ""
    return StepTime(
        cycles=step.cycles,
        seconds=step.seconds,
        interval=result.seconds_interval,
        words=f"the optimizer step alone{activations}; forward and backward are not timed",
    )


def _changes(
    violations: list[StaticRuleError],
    report: FitReport | None,
    schedules: tuple[Course, ...],
    problems: list[str],
    unused: tuple[str, ...],
) -> tuple[str, ...]:
    """What to change, most urgent first, each without its full stop."""
    changes = [v.remedy or v.message for v in violations]
    if report is not None and not report.fits:
        helping = [lever for lever in report.levers if lever.fits]
        for lever in (helping or report.levers)[:LEVERS_TOLD]:
            then = "then it fits" if lever.fits else "not enough by itself"
            changes.append(
                f"{lever.what} ({' '.join(lever.arguments)}): {lever.saves_bytes:,} B less on the "
                f"fullest PE, {then}"
            )
    changes += problems
    changes += [remark for course in schedules for remark in course.remarks]
    changes += [
        f"{key} has no effect on the schedule; see that the rates are meant without it"
        for key in unused
        if ".learning_rate." in key or ".schedulers." in key
    ]
    return tuple(dict.fromkeys(change.rstrip(".") for change in changes))
