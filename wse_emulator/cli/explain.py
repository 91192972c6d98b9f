"""``wse explain``: what limits a step, found by lifting each limit and emulating it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Unpack, cast

import click
from click.core import ParameterSource
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.api import PreparedStep, capture_prepared
from wse_emulator.bottlenecks import LIMITS, Explanation, lift_limits
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.run import run
from wse_emulator.cli.step_options import StepFlags, prepare_flags, step_options
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.results.codec import encode
from wse_emulator.results.files import RUN_JSON, check_run_document, read_document
from wse_emulator.results.run_result import CriticalPart
from wse_emulator.views.answers import phase_cycles, phase_words
from wse_emulator.views.words import cycles, seconds, share, short
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.spec import WaferSpec

EXPLAIN_SCHEMA: Final = "wse-explain/1"
STRETCHES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The step that is explained.

    Attributes:
        prepared: what is captured.
        spec, engine: where it runs.
        command: the command of the result it comes from, or this very command.
        digest: of the result it comes from; empty if it comes from flags.
    """

    prepared: PreparedStep
    spec: WaferSpec
    engine: str
    command: str
    digest: str = ""


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
    subject = _from_flags(target, flags) if result is None else _from_result(result)
    with telling(len(LIMITS) + 3, quiet=quiet) as tell:
        tell("capturing the step")
        program = capture_prepared(subject.prepared, subject.spec)
        tell("the step as it is")
        base = emulate_step(program, subject.spec, subject.engine)
        _check_same(subject, target, base)
        explanation = lift_limits(
            program, subject.spec, engine=subject.engine, base=base, tell=tell
        )
    if json_path is not None:
        write_json(json_path, _document(subject, explanation, program.optimizer))
    if json_path != STDOUT:
        _print(subject, explanation, program.optimizer)
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


def _from_flags(model: str, flags: StepFlags) -> Subject:
    words: list[str] = click.get_current_context().find_root().obj or []
    return Subject(
        prepared=prepare_flags(model, flags),
        spec=parse_wafer(flags["wafer"], flags["settings"]),
        engine=flags["engine"],
        command=shlex.join(words),
    )


def _from_result(path: Path) -> Subject:
    """The step of a result file, built again from its command.

    Raises:
        ResultFileError: no result, or one that no ``wse run`` wrote.
        InputError: the command cannot be repeated; says why.
    """
    _refuse_flags()
    document = read_document(path)
    check_run_document(path, document)
    command, known = document.get("command"), document.get("digest")
    if not isinstance(command, str) or not isinstance(known, str):
        raise ResultFileError(f"{path} holds no command to repeat; run again to make it")
    words = _words(command)
    if words[:2] != ["wse", "run"]:
        by = f"made by {command!r}" if command else "made from Python, without a command"
        raise ResultFileError(
            f"{path} was {by}; only a result of wse run can be repeated: name MODEL and its flags "
            "instead"
        )
    try:
        context = run.make_context("wse run", words[2:])
        parameters = context.params
        return Subject(
            prepared=prepare_flags(parameters["model"], cast("StepFlags", parameters)),
            spec=parse_wafer(parameters["wafer"], parameters["settings"]),
            engine=parameters["engine"],
            command=command,
            digest=known,
        )
    except (InputError, click.ClickException) as error:
        reason = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise InputError(
            f"{path} cannot be repeated: {reason}. It was made by: {command} (its files are "
            "looked up from the current folder)"
        ) from error


def _check_same(subject: Subject, target: str, step: EmulatedStep) -> None:
    """See that the repeated step has the times of the result it comes from."""
    if subject.digest and step.timing is not None and digest(step.timing) != subject.digest:
        raise ResultFileError(
            f"{target}: its command no longer gives the times it holds (another version, or the "
            f"model or config has changed since); run it again: {subject.command}"
        )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


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


def _bottleneck(explanation: Explanation) -> str:
    worst = explanation.worst
    if worst is None:
        return "No single limit costs anything: several bind at once."
    return (
        f"What costs most is {worst.limit.name}. Without it ({worst.limit.lifted}) the step would "
        f"take {cycles(worst.cycles)}, {share(worst.saved_share)} less. What helps: "
        f"{worst.limit.remedy}."
    )


def _document(subject: Subject, explanation: Explanation, optimizer: str) -> dict[str, object]:
    return {
        "schema": EXPLAIN_SCHEMA,
        "command": subject.command,
        "model": subject.prepared.model,
        "optimizer": optimizer,
        "wafer": subject.spec.name,
        "engine": subject.engine,
        "cycles": explanation.cycles,
        "seconds": subject.spec.seconds(explanation.cycles),
        "bottleneck": _bottleneck(explanation),
        "critical_pe": list(explanation.critical.pe),
        "critical_path": [encode(part) for part in explanation.critical.parts],
        "effects": [
            {
                "limit": effect.limit.name,
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


def _print(subject: Subject, explanation: Explanation, optimizer: str) -> None:
    console = Console(soft_wrap=False)
    total = explanation.cycles
    row, col = explanation.critical.pe
    spent = phase_cycles(explanation.critical.parts)
    by_phase = ", ".join(
        f"{phase_words(phase)} {share(count / total)}" for phase, count in spent.items() if count
    )
    words = [
        f"{short(subject.prepared.model, 40)} with {short(optimizer, 30)} on {subject.spec.name}: "
        f"one step takes {cycles(total)} = {seconds(subject.spec.seconds(total))}.",
        f"The last PE to finish is row {row} column {col}: {by_phase or 'it has nothing to do'}.",
        _bottleneck(explanation),
    ]
    for paragraph in words:
        console.print(paragraph, highlight=False, markup=False)
    for table in (_path_table(explanation.critical.parts, total), _effects_table(explanation)):
        console.print()
        console.print(table)


def _path_table(parts: Sequence[CriticalPart], total: int) -> Table:
    """The longest stretches of the critical PE's time, in order of time."""
    table = Table(
        title="The critical path", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False
    )
    for heading in ("from", "to", "cycles", "share", "phase", "what"):
        table.add_column(
            heading, justify="left" if heading in ("phase", "what") else "right", overflow="fold"
        )
    ranked = sorted(parts, key=lambda part: part.start_cycle - part.end_cycle)
    for part in sorted(ranked[:STRETCHES_SHOWN], key=lambda part: part.start_cycle):
        length = part.end_cycle - part.start_cycle
        table.add_row(
            f"{part.start_cycle:,}",
            f"{part.end_cycle:,}",
            f"{length:,}",
            share(length / total),
            part.phase,
            Text(short(part.what, 40)),
        )
    rest = ranked[STRETCHES_SHOWN:]
    if rest:
        left = sum(part.end_cycle - part.start_cycle for part in rest)
        table.caption = f"{len(rest)} shorter left out, {cycles(left)}; all are in the JSON"
        table.caption_justify = "left"
    return table


def _effects_table(explanation: Explanation) -> Table:
    total = explanation.cycles
    table = Table(
        title="The same step with each limit lifted in turn",
        caption="Limits overlap, so the savings do not sum. Each line is an emulation of its own.",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
    )
    for heading in ("lifted", "cycles", "saved", "share"):
        table.add_column(heading, justify="left" if heading == "lifted" else "right")
    table.add_row("nothing", f"{total:,}", "", "")
    for effect in explanation.effects:
        saved = f"{effect.saved_cycles:,}" if effect.binds else "as it is"
        part = share(effect.saved_share) if effect.binds else ""
        table.add_row(effect.limit.name, f"{effect.cycles:,}", saved, part)
    least = explanation.all_lifted_cycles
    table.add_section()
    table.add_row(
        "all at once",
        f"{least:,}",
        f"{total - least:,}",
        share((total - least) / total) if total else "",
    )
    return table
