"""``preflight``: all questions about a planned run, each asked even if another one fails.

The model, the run config and the optimizer are read, built, captured and placed once; every answer
on the page comes from that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from wse_emulator.capture.built import Built, build, capture
from wse_emulator.errors import InputError, StaticRuleError, WseError
from wse_emulator.inputs.given import DEFAULT_WAFER, Given
from wse_emulator.inputs.keywords import named_as_flags
from wse_emulator.inputs.optimizer import check_rate
from wse_emulator.inputs.own_optimizer import AnyOptimizer
from wse_emulator.inputs.precision import PrecisionName, StorageDtype, precision_given
from wse_emulator.inputs.read import Inputs, read
from wse_emulator.inputs.schedule_text import LearningRate
from wse_emulator.models.modules import Model
from wse_emulator.plan.known import Captured, Known, know, with_activations
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.questions.fit.judge import Judgement
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.report import report as report_of_fit
from wse_emulator.questions.rates import constant_course, course_of
from wse_emulator.questions.repeat import repeating
from wse_emulator.questions.run import emulated_result
from wse_emulator.request import AS_CAPTURED, EngineName, Mode, Precision
from wse_emulator.results.answer import repeated_by
from wse_emulator.results.check import CheckReport
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Course, Preflight, StepTime, lever_change
from wse_emulator.results.run import RunResult, WallSeconds
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.spec import WaferSpec

LEVERS_TOLD: Final = 3


@named_as_flags(sequence="seq_len", target="target_len")
def preflight(  # noqa: PLR0913 - the fields of a Request
    model: Model | Path,
    *,
    optimizer: AnyOptimizer | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | Path | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
    steps: int | None = None,
    wafer: str | WaferSpec = DEFAULT_WAFER,
    set: Settings = (),
    engine: EngineName = "array",
    mode: Mode = "auto",
    precision: PrecisionName | Precision | None = None,
    compute_dtype: StorageDtype | None = None,
    parameter_dtype: StorageDtype | None = None,
    gradient_dtype: StorageDtype | None = None,
    state_dtype: StorageDtype | None = None,
    batch_size: int | None = None,
    seq_len: int | None = None,
    target_len: int | None = None,
    micro_batch: int | Literal["auto"] | None = None,
    recompute: int | Literal["auto", "none", "full"] | None = None,
    sparsity: float | str | Path | None = None,
    check: CheckReport | None = None,
    tell: Tell | None = None,
) -> Preflight:
    """Judge a planned run: legal, fits, schedule as meant, step time, what to change.

    Args:
        model: a run config (YAML), which brings optimizer, schedule and batch, or any other
            model. All arguments but those below are those of :func:`wse_emulator.run`.
        steps: steps of the whole run, over which the schedule is looked at; default: those of
            the run config.
        mode: ``pipelined``, ``weight-streaming``, or ``auto`` for the better of both.
        check: what :func:`wse_emulator.check` said of an optimizer of your own; its violations
            stand on the page.
        tell: called with the name of each stage as it begins.

    Raises:
        InputError: the model or the run config cannot be read, so that nothing can be answered.

    Example:
        >>> page = wse_emulator.preflight(torch.nn.Linear(64, 64), wafer="wse2:8x8", lr=1e-4)
        >>> page.verdict, page.exit_code
        ('Ready to queue.', 0)
    """
    if check is not None and not isinstance(check, CheckReport):
        raise InputError(
            f"check is a value of type {type(check).__name__}; give what wse_emulator.check returns"
        )
    return answer_preflight(
        Given(
            model=model,
            optimizer=optimizer,
            config=config,
            lr=lr,
            lr_schedule=lr_schedule,
            options=options,
            max_grad_norm=max_grad_norm,
            loss_scaling=loss_scaling,
            steps=steps,
            wafer=machine_given(wafer, set),
            engine=engine,
            mode=mode,
            precision=precision_given(
                precision,
                compute=compute_dtype,
                parameter=parameter_dtype,
                gradient=gradient_dtype,
                state=state_dtype,
            ),
            batch_size=batch_size,
            seq_len=seq_len,
            target_len=target_len,
            micro_batch=micro_batch,
            recompute=recompute,
            sparsity=sparsity,
        ),
        checked=check,
        tell=tell or silent,
    )


def answer_preflight(
    given: Given, *, checked: CheckReport | None = None, command: str = "", tell: Tell = silent
) -> Preflight:
    """What :func:`preflight` answers.

    Args:
        given: the run; a run config as its model brings all the rest.
        checked: the verdict on an optimizer of the user's own, where there is one.
        command: the command that repeats this.
        tell: called with the name of each stage as it begins.

    Raises:
        InputError: as :func:`preflight`.
    """
    problems: list[str] = []
    violations = list(checked.violations if checked else ())
    tell("reading the model")
    inputs = _read(given, problems)
    built = _built(inputs, problems)
    as_asked = not problems  # without its schedule it is another step
    if checked is not None and checked.unjudged is not None:
        problems.append(f"{checked.optimizer} could not be judged: {checked.unjudged}")
    tell("evaluating the schedule")
    rated = _has_rate(inputs, problems)
    schedules = _schedules(inputs, built, problems) if as_asked and rated else ()
    report: FitReport | None = None
    result: RunResult | None = None
    legal: bool | None = None
    tell("capturing the step")
    try:
        captured = Captured(program=capture(built), built=built)
    except StaticRuleError as error:
        violations.append(error)
    except WseError as error:
        problems.append(str(error))
    else:
        legal = True if as_asked else None
        known = _known(captured, inputs, violations, problems)
        judgement = _judged(known, inputs, violations, problems, tell)
        if judgement is not None:
            report, result = _answers(judgement, command, violations, problems, tell)
    page = Preflight(
        model=inputs.model.name,
        optimizer=built.optimizer_name,
        wafer=inputs.request.wafer.name,
        legal=False if violations else legal,
        violations=tuple(violations),
        fit=report,
        schedules=schedules,
        time=_time(report, result) if as_asked else None,
        changes=_changes(violations, report, schedules, problems, inputs.unused),
        problems=tuple(problems),
        unused=inputs.unused,
        command=command,
        request=inputs.request,
    )
    repeated_by(page, repeating(inputs, command=command))
    return page


def _read(given: Given, problems: list[str]) -> Inputs:
    """The inputs; without a typed schedule that cannot be used, which is a problem."""
    try:
        return read(given)
    except InputError as error:
        if given.lr_schedule is None:
            raise
        inputs = read(dataclasses.replace(given, lr_schedule=None))
        problems.append(str(error))
        return inputs


def _built(inputs: Inputs, problems: list[str]) -> Built:
    """The optimizer; if need be without its schedule, which is a problem then.

    Raises:
        InputError: it is not the schedule, so that nothing can be answered.
    """
    request = inputs.request
    try:
        return build(request, inputs.model, own=inputs.own_optimizer)
    except InputError as error:
        if not request.schedules:
            raise
        try:
            plain = dataclasses.replace(request, schedules=())
            built = build(plain, inputs.model, own=inputs.own_optimizer)
        except InputError:
            raise error from None
        problems.append(str(error))
        return built


def _has_rate(inputs: Inputs, problems: list[str]) -> bool:
    """Whether anything says at which rate the run trains; neither bytes nor times depend on it."""
    try:
        check_rate(inputs.request, inputs.make_optimizer)
    except InputError as error:
        problems.append(str(error))
        return False
    return True


def _known(
    captured: Captured,
    inputs: Inputs,
    violations: list[StaticRuleError],
    problems: list[str],
) -> Known | None:
    """What is known for a plan; None for an op without a place, or unknown activations."""
    try:
        known = know(captured, inputs.request, inputs.masks)
        return with_activations(known, inputs)
    except StaticRuleError as error:
        violations.append(error)
        return None
    except WseError as error:
        problems.append(str(error))
        return None


def _judged(
    known: Known | None,
    inputs: Inputs,
    violations: list[StaticRuleError],
    problems: list[str],
    tell: Tell,
) -> Judgement | None:
    """The plan of the step; an op that cannot run on the wafer breaks a rule, in any mode."""
    if known is None:
        return None
    tell("planning the model as it is")
    try:
        placed = place_and_plan(known, inputs.request)
    except StaticRuleError as error:
        violations.append(error)
        return None
    except WseError as error:
        problems.append(str(error))
        return None
    if placed.refused is not None:
        violations.append(placed.refused)
    return Judgement(inputs=inputs, placed=placed)


def _answers(
    judgement: Judgement,
    command: str,
    violations: list[StaticRuleError],
    problems: list[str],
    tell: Tell,
) -> tuple[FitReport, RunResult | None]:
    """The memory, with levers where they are needed; and the time of what fits on the wafer."""
    levers = () if judgement.fits else pull_levers(judgement, tell)
    report = report_of_fit(judgement, levers=levers, command=command)
    if not judgement.fits or judgement.placed.plan is None:
        return report, None
    # the rates of the run are looked at as a course, so one step is timed
    once = dataclasses.replace(judgement.inputs.request, steps=1)
    timed = dataclasses.replace(judgement, inputs=judgement.inputs.changed(once))
    took = WallSeconds(capture=0.0, place=0.0, simulate=0.0)  # the page does not tell them
    try:
        return report, emulated_result(timed, took, command=command, tell=tell)
    except StaticRuleError as error:
        violations.append(error)
    except InputError as error:
        problems.append(str(error))
    return report, None


def _schedules(inputs: Inputs, built: Built, problems: list[str]) -> tuple[Course, ...]:
    if built.optimizer is None:
        return ()
    steps = inputs.request.steps or (inputs.config.max_steps if inputs.config else None)
    if not built.schedulers:
        rate = built.constant_rate
        return () if rate is None else (constant_course(rate, steps),)
    try:
        return tuple(course_of(scheduler, steps) for scheduler in built.schedulers)
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
    return StepTime(
        cycles=step.cycles,
        seconds=step.seconds,
        interval=result.seconds_interval,
        words=f"the optimizer step alone{_precision_words(report)}; forward and backward are not "
        "timed",
        unsourced=result.unsourced_share > 0,
        forms=result.forms,
    )


def _precision_words(report: FitReport) -> str:
    """The policy in which the step was timed; nothing where none was asked for."""
    asked = report.request.precision
    return "" if asked == AS_CAPTURED else f" in {asked.name} precision"


def _changes(
    violations: list[StaticRuleError],
    report: FitReport | None,
    schedules: tuple[Course, ...],
    problems: list[str],
    unused: tuple[str, ...],
) -> tuple[str, ...]:
    """What to change, most urgent first, each without its full stop."""
    changes: list[str] = [v.remedy or v.message for v in violations]
    if report is not None and not report.fits:
        helping = [lever for lever in report.levers if lever.fits]
        changes += [lever_change(lever) for lever in (helping or report.levers)[:LEVERS_TOLD]]
    changes += problems
    changes += [remark for course in schedules for remark in course.remarks]
    changes += [
        f"{key} has no effect on the schedule; see that the rates are meant without it"
        for key in unused
        if ".learning_rate." in key or ".schedulers." in key
    ]
    return tuple(dict.fromkeys(change.rstrip(".") for change in changes))
