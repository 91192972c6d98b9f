"""``wse explain``: say what limits a step, and what lifting each limit would save."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click
from click.core import ParameterSource

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, given, step_options
from wse_emulator.errors import InputError, ResultFileError, UnknownNameError
from wse_emulator.models.catalog import check_model_name
from wse_emulator.request import Request
from wse_emulator.results.codec import decode
from wse_emulator.results.explain import Explanation
from wse_emulator.results.files import RUN_JSON, check_run_document, read_document
from wse_emulator.tell import Tell
from wse_emulator.terminal.explain import print_explanation


@click.command()
@click.argument("target", metavar="RESULT|MODEL")
@step_options
@json_option("the answer")
@force_option
@quiet_option
def explain(
    target: str, json_path: str | None, force: bool, quiet: bool, **flags: Unpack[StepFlags]
) -> int:
    """Say what limits a step: its critical path, and the step with each limit lifted in turn.

    RESULT is a report folder of wse run, or the run.json in it: its question is asked again first.
    MODEL and the options are those of wse run.

    \b
    Examples:
      wse explain report
      wse explain gpt2-xl --optimizer AdamW --json -

    Exit codes: 0 fine, 2 wrong usage or input, 3 does not fit, 4 breaks a static-state rule.
    """
    result = _result_file(target)
    asked = given(target, flags, mode="pipelined", steps=1)
    if result is None:
        _check_target(target)
    else:
        _refuse_flags()
    from wse_emulator.inputs.read import read  # noqa: PLC0415 - loads torch
    from wse_emulator.questions import explain as question  # noqa: PLC0415 - loads torch

    with telling(question.EXPLAIN_STAGES, quiet=quiet) as tell:
        if result is None:
            explanation = question.explain(read(asked), command=typed_command(), tell=tell)
        else:
            explanation = explain_file(result, tell)
    if json_path is not None:
        write_json(json_path, explanation.document(), force=force)
    if json_path != STDOUT:
        print_explanation(explanation)
    return 0


def _result_file(target: str) -> Path | None:
    """The result file that TARGET names, if it names one rather than a model."""
    path = Path(target)
    if path.is_dir():
        folder_of_model = (path / "config.json").is_file() and not (path / RUN_JSON).is_file()
        return None if folder_of_model else path / RUN_JSON
    if path.name == RUN_JSON:
        return path
    if path.suffix == ".json" and path.is_file():
        try:
            schema = read_document(path).get("schema")
        except ResultFileError:
            return None  # no object: a list of shapes, or an error that loading the model explains
        return path if isinstance(schema, str) and schema.startswith("wse-") else None
    return None


def _check_target(target: str) -> None:
    """Refuse what is no model, and no result either.

    Raises:
        InputError: there is no such model; where nothing of the name exists, none such result.
    """
    try:
        check_model_name(target)
    except UnknownNameError as error:
        raise UnknownNameError(
            f"there is no report folder {target!r}, nor a model of that name: {error}"
        ) from error


def _refuse_flags() -> None:
    context = click.get_current_context()
    given = [
        name
        for name in StepFlags.__annotations__
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        option = given[0].replace("_", "-")
        raise InputError(
            f"--{option} goes with MODEL; a RESULT is explained as it was run. Run it again with "
            f"--{option}, or name MODEL"
        )


def explain_file(path: Path, tell: Tell) -> Explanation:
    """Explain the step of a result file, from the question that it holds.

    Raises:
        ResultFileError: no result of a run, or one whose question cannot be asked again.
        InputError: a file that it names cannot be read any more.
    """
    document = read_document(path)
    check_run_document(path, document)
    known, command = document.get("digest"), document.get("command")
    if not isinstance(command, str) or not isinstance(known, str):
        raise ResultFileError(f"{path} holds no command and no digest; run again to make it")
    request = decode(Request, document["request"], str(path)) if document.get("request") else None
    from wse_emulator.questions.explain import (  # noqa: PLC0415 - loads torch
        KnownResult,
        explain_again,
    )

    result = KnownResult(source=str(path), digest=known, command=command)
    return explain_again(request, result, tell)
