"""The step that a command explains: one named by flags, or one of a saved result, built again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import cast

import click

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.run import run
from wse_emulator.cli.step_options import StepFlags, prepare_flags
from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.questions.explain import Subject
from wse_emulator.results.files import check_run_document, read_document
from wse_emulator.wafer.parse import parse_wafer


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


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
