"""``wse explain``: say what limits a step, and what lifting each limit would save."""

from __future__ import annotations

from typing import Unpack

import click
from click.core import ParameterSource

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, given, step_options
from wse_emulator.errors import InputError, UnknownNameError
from wse_emulator.models.catalog import check_model_name
from wse_emulator.questions.saved.explain import answer_explain, explain_file, named_result
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
    result = named_result(target)
    asked = given(target, flags, mode="pipelined", steps=1)
    if result is None:
        _check_target(target)
    else:
        _refuse_flags()
    from wse_emulator.questions.explain import EXPLAIN_STAGES  # noqa: PLC0415 - loads torch

    with telling(EXPLAIN_STAGES, quiet=quiet) as tell:
        if result is None:
            explanation = answer_explain(asked, command=typed_command(), tell=tell)
        else:
            explanation = explain_file(result, tell)
    if json_path is not None:
        write_json(json_path, explanation.document(), force=force)
    if json_path != STDOUT:
        print_explanation(explanation)
    return 0


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
