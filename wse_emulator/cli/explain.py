"""``wse explain``: say what limits a step, and what lifting each limit would save."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final, Unpack, cast

import click
from click.core import ParameterSource

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.run import run
from wse_emulator.cli.step_options import StepFlags, prepare_flags, step_options
from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.questions.explain import EXPLAIN_STAGES, Subject, explain_subject
from wse_emulator.results.codec import encode
from wse_emulator.results.explain import Explanation, costliest_limit
from wse_emulator.results.files import RUN_JSON, check_run_document, read_document
from wse_emulator.terminal.explain import print_explanation
from wse_emulator.wafer.parse import parse_wafer

EXPLAIN_SCHEMA: Final = "wse-explain/1"


@click.command()
@click.argument("target", metavar="RESULT|MODEL")
@step_options
@click.option("--json", "json_path", metavar="FILE", help="Write the answer as JSON ('-': stdout).")
@quiet_option
def explain(target: str, json_path: str | None, quiet: bool, **flags: Unpack[StepFlags]) -> int:
    """Say what limits a step: its critical path, and the step with each limit lifted in turn.

    RESULT is a report folder of wse run, or the run.json in it: its command is repeated first.
    MODEL and the options are those of wse run.

    \b
    Examples:
      wse explain report
      wse explain gpt2-xl --optimizer AdamW --json -

    Exit codes: 0 fine, 2 wrong usage or input, 3 does not fit, 4 breaks a static-state rule.
    """
    result = _result_file(target)
    if result is None:
        subject = subject_of_flags(target, flags)
    else:
        _refuse_flags()
        subject = subject_of_result(result)
    with telling(EXPLAIN_STAGES, quiet=quiet) as tell:
        explanation = explain_subject(subject, tell)
    if json_path is not None:
        write_json(json_path, _document(subject, explanation))
    if json_path != STDOUT:
        print_explanation(subject, explanation)
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


def _document(subject: Subject, explanation: Explanation) -> dict[str, object]:
    return {
        "schema": EXPLAIN_SCHEMA,
        "command": subject.command,
        "model": subject.prepared.model,
        "optimizer": explanation.optimizer,
        "wafer": subject.spec.name,
        "engine": subject.engine,
        "cycles": explanation.cycles,
        "seconds": subject.spec.seconds(explanation.cycles),
        "bottleneck": costliest_limit(explanation),
        "critical_pe": list(explanation.critical.pe),
        "critical_path": [encode(part) for part in explanation.critical.parts],
        "effects": [
            {
                "limit": effect.limit.name,
                "kind": effect.limit.kind,
                "lifted": effect.limit.lifted,
                "binds": effect.binds,
                "cycles": effect.cycles,
                "saved_cycles": effect.saved_cycles,
                "saved_share": effect.saved_share,
                "remedy": effect.limit.remedy,
            }
            for effect in explanation.effects
        ],
        "all_lifted_cycles": explanation.all_lifted_cycles,
    }


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
