"""``wse explain``: what limits a step, found by lifting each limit and emulating it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Unpack

import click
from click.core import ParameterSource
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.cli.explained_step import subject_of_flags, subject_of_result
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, step_options
from wse_emulator.errors import InputError, ResultFileError
from wse_emulator.questions.explain import EXPLAIN_STAGES, Subject, explain_subject
from wse_emulator.results.answers import phase_cycles, phase_words
from wse_emulator.results.codec import encode
from wse_emulator.results.explain import Explanation, costliest_limit
from wse_emulator.results.files import RUN_JSON, read_document
from wse_emulator.results.run import CriticalPart
from wse_emulator.results.words import cycles, seconds, share, short

EXPLAIN_SCHEMA: Final = "wse-explain/1"
STRETCHES_SHOWN: Final = 10


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
        _print(subject, explanation)
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


def _print(subject: Subject, explanation: Explanation) -> None:
    console = Console(soft_wrap=False)
    total = explanation.cycles
    row, col = explanation.critical.pe
    spent = phase_cycles(explanation.critical.parts)
    by_phase = ", ".join(
        f"{phase_words(phase)} {share(count / total)}" for phase, count in spent.items() if count
    )
    words = [
        f"{short(subject.prepared.model, 40)} with {short(explanation.optimizer, 30)} on "
        f"{subject.spec.name}: one step takes {cycles(total)} = "
        f"{seconds(subject.spec.seconds(total))}.",
        f"The last PE to finish is row {row} column {col}: {by_phase or 'it has nothing to do'}.",
        costliest_limit(explanation),
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
