"""The step that a command explains: one named by flags, or one of a saved result, built again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import click

from wse_emulator.bottlenecks import LIMITS, lift_limits
from wse_emulator.capture.built import PreparedStep, capture_prepared
from wse_emulator.cli.options import typed_command
from wse_emulator.cli.progress import Tell
from wse_emulator.cli.run import run
from wse_emulator.cli.step_options import StepFlags, prepare_flags
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.results.explain import Explanation
from wse_emulator.results.files import check_run_document, read_document
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.spec import WaferSpec

EXPLAIN_STAGES: Final = len(LIMITS) + 3
"""What explaining tells of: capture, the step as it is, each limit, all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The step that is explained.

    Attributes:
        prepared: what is captured.
        spec, engine: where it runs.
        command: the command of the result it comes from, or this very command.
        source, digest: the result it comes from; both empty if it comes from flags.
    """

    prepared: PreparedStep
    spec: WaferSpec
    engine: str
    command: str
    source: str = ""
    digest: str = ""


def subject_of_flags(model: str, flags: StepFlags) -> Subject:
    """The step that a model and the flags name.

    Raises:
        InputError: a name, number or file that cannot be used.
    """
    return Subject(
        prepared=prepare_flags(model, flags),
        spec=parse_wafer(flags["wafer"], flags["settings"]),
        engine=flags["engine"],
        command=typed_command(),
    )


def subject_of_result(path: Path) -> Subject:
    """The step of a result file, built again from its command.

    Raises:
        ResultFileError: no result, or one that no ``wse run`` wrote.
        InputError: the command cannot be repeated; says why.
    """
    document = read_document(path)
    check_run_document(path, document)
    command, known = document.get("command"), document.get("digest")
    if not isinstance(command, str) or not isinstance(known, str):
        raise ResultFileError(f"{path} holds no command to repeat; run again to make it")
    words = _words(command)
    if words[:2] != ["wse", "run"]:
        by = f"made by {command!r}" if command else "made from Python, without a command"
        raise ResultFileError(
            f"{path} was {by}; only a result of wse run can be repeated; wse explain MODEL "
            "explains any step"
        )
    try:
        context = run.make_context("wse run", words[2:])
        parameters = context.params
        return Subject(
            prepared=prepare_flags(parameters["model"], cast("StepFlags", parameters)),
            spec=parse_wafer(parameters["wafer"], parameters["settings"]),
            engine=parameters["engine"],
            command=command,
            source=str(path),
            digest=known,
        )
    except (InputError, click.ClickException) as error:
        reason = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise InputError(
            f"{path} cannot be repeated: {reason}. It was made by: {command} (its files are "
            "looked up from the current folder)"
        ) from error


def explain_subject(subject: Subject, tell: Tell) -> Explanation:
    """Emulate the step as it is, then with each limit lifted.

    Args:
        tell: called with the name of each of ``EXPLAIN_STAGES`` parts as it begins.

    Raises:
        ResultFileError: the repeated step has other times than the result it comes from.
        DoesNotFitError: there is no step to explain.
    """
    tell("capturing the step")
    program = capture_prepared(subject.prepared, subject.spec)
    tell("the step as it is")
    base = emulate_step(program, subject.spec, subject.engine)
    _check_same(subject, base)
    return lift_limits(program, subject.spec, engine=subject.engine, base=base, tell=tell)


def _check_same(subject: Subject, step: EmulatedStep) -> None:
    """See that the repeated step has the times of the result it comes from."""
    if subject.digest and step.timing is not None and digest(step.timing) != subject.digest:
        raise ResultFileError(
            f"{subject.source}: its command no longer gives the times it holds (another "
            f"version, or the model or config has changed since); run it again: {subject.command}"
        )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
