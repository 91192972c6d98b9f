"""``wse run``: simulate optimizer steps and write a report folder."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Final, Unpack

import click

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, given, step_options
from wse_emulator.errors import DoesNotFitError
from wse_emulator.models.catalog import check_model_name
from wse_emulator.request import Mode
from wse_emulator.results.files import run_document
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell
from wse_emulator.terminal.run import print_result

RUN_STAGES: Final = 5
"""What the emulation tells of: model, capture, placing and planning, simulation, summary."""
MOST_STEPS: Final = 1_000_000
"""A result tells the learning rate and the time of each step."""


@click.command()
@click.argument("model")
@step_options
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    default=1,
    show_default=True,
    metavar="N",
    help="Optimizer steps to time.",
)
@click.option(
    "--mode",
    default="pipelined",
    show_default=True,
    metavar="MODE",
    help="Where the step runs; of weight streaming the memory alone is judged, by wse fit.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a report: page, pictures, data, trace.",
)
@click.option("--force", is_flag=True, help="Replace files of an earlier report in DIR.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON ('-': stdout).")
@quiet_option
def run(
    model: str,
    steps: int,
    mode: Mode,
    out: Path | None,
    force: bool,
    json_path: str | None,
    quiet: bool,
    **flags: Unpack[StepFlags],
) -> int:
    """Simulate optimizer steps of MODEL on a wafer.

    MODEL is a built-in name (wse models), a shapes file (JSON), a Hugging Face config.json, a
    run config (YAML), or module:factory.

    \b
    Examples:
      wse run gpt2 --optimizer AdamW --lr 1e-4 --out report
      wse run gpt2-xl --lr-schedule linear:0:2e-4:2000,cosine_decay:2e-4:0:98000
      wse run bert-base --wafer wse2:64x48 --engine pe --json -

    Exit codes: 0 fine, 2 wrong usage or input, 3 does not fit, 4 breaks a static-state rule.
    """
    asked = given(model, flags, mode=mode, steps=steps)
    check_model_name(model)
    if out is not None:
        from wse_emulator.report.folder import check_report_folder  # noqa: PLC0415 - loads what draws

        check_report_folder(out, force=force)
    from wse_emulator.questions.run import answer_run  # noqa: PLC0415 - loads torch

    with telling(RUN_STAGES + (0 if out is None else _report_stages()), quiet=quiet) as tell:
        result = answer_run(asked, command=typed_command(), levers=True, tell=tell)
        result, written = _write(result, out, force=force, tell=tell)
    return _answer(result, written, out, json_path)


def report_run(
    result: RunResult,
    out: Path | None,
    *,
    force: bool = False,
    json_path: str | None = None,
    quiet: bool = False,
) -> int:
    """Write what is asked for, print the answer, and return the exit code.

    Raises:
        OutputError: a file cannot be written, or is there and ``force`` is not given.
    """
    with telling(_report_stages(), quiet=quiet) as tell:
        result, written = _write(result, out, force=force, tell=tell)
    return _answer(result, written, out, json_path)


def _report_stages() -> int:
    """What writing a report tells of: each picture, the trace, the page."""
    from wse_emulator.views.catalog import VIEWS  # noqa: PLC0415 - loads what draws

    return len(VIEWS) + 2


def _write(
    result: RunResult, out: Path | None, *, force: bool, tell: Tell
) -> tuple[RunResult, list[Path]]:
    """Write the report if there is to be one; the result then says how long that took."""
    if out is None:
        return result, []
    from wse_emulator.report.folder import write_report  # noqa: PLC0415 - loads what draws

    begin = time.perf_counter()
    written = write_report(result, out, force=force, tell=tell)
    took = dataclasses.replace(result.wall_seconds, report=time.perf_counter() - begin)
    return dataclasses.replace(result, wall_seconds=took), written


def _answer(result: RunResult, written: list[Path], out: Path | None, json_path: str | None) -> int:
    if json_path is not None:
        write_json(json_path, run_document(result))
    if json_path != STDOUT:
        print_result(result, written, out)
    return 0 if result.fits else DoesNotFitError.exit_code
