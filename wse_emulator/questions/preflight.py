"""``preflight``: all questions about a planned run, each asked even if another one fails.

The model, the run config and the optimizer are read, built, captured and placed once; every answer
on the page comes from that.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from wse_emulator.capture.built import Built, build, capture
from wse_emulator.errors import InputError, StaticRuleError, WseError
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import Inputs, read
from wse_emulator.plan.known import Captured, Known, know, with_activations
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.questions.fit.judge import Judgement
from wse_emulator.questions.fit.levers import pull_levers
from wse_emulator.questions.fit.report import report as report_of_fit
from wse_emulator.questions.rates import constant_course, course_of
from wse_emulator.questions.run import emulated_result
from wse_emulator.results.check import CheckReport
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Course, Preflight, StepTime
from wse_emulator.results.run import RunResult, WallSeconds
from wse_emulator.tell import Tell, silent

LEVERS_TOLD: Final = 3


def preflight(
    given: Given, *, checked: CheckReport | None = None, command: str = "", tell: Tell = silent
) -> Preflight:
    """Judge a planned run: legal, fits, schedule as meant, step time, what to change.

    Args:
        given: the run; a run config as its model brings all the rest. Its ``steps`` are those of
            the whole run, over which the schedule is looked at.
        checked: the verdict on an optimizer of the user's own, where there is one.
        command: the command that repeats this.
        tell: called with the name of each stage as it begins.

    Raises:
        InputError: the model or the run config cannot be read, so that nothing can be answered.

    Example:
        >>> from wse_emulator.inputs.given import Given
        >>> page = preflight(Given(model="gpt2", lr=1e-4))
        >>> page.verdict, page.exit_code
        ('Ready to queue.', 0)
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
    schedules = _schedules(inputs, built, problems) if as_asked else ()
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
    return Preflight(
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
        words="the optimizer step alone; forward and backward are not timed",
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
