"""``wse run``: simulate optimizer steps, print the answer, write a report folder."""

from __future__ import annotations

import dataclasses
import shlex
import time
from pathlib import Path

import click
from rich.console import Console

from wse_emulator.api import run as emulate
from wse_emulator.cli.options import parse_options
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import telling
from wse_emulator.cli.step_options import step_options
from wse_emulator.fitting import fit
from wse_emulator.results.files import run_document
from wse_emulator.results.fit_report import FitReport
from wse_emulator.results.run_result import Lever, RunResult
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.report_folder import check_report_folder, write_report
from wse_emulator.views.run_tables import run_tables, run_words
from wse_emulator.wafer.parse import parse_wafer

DOES_NOT_FIT = 3


@click.command()
@click.argument("model")
@step_options
@click.option(
    "--steps", type=int, default=1, show_default=True, metavar="N", help="Optimizer steps."
)
@click.option("--mode", default="pipelined", show_default=True, help="Where the step runs.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write a report folder."
)
@click.option("--force", is_flag=True, help="Replace files of an earlier report in DIR.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON ('-': stdout).")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def run(
    model: str,
    optimizer: str | None,
    config: Path | None,
    lr: float | None,
    lr_schedule: str | None,
    options: tuple[str, ...],
    steps: int,
    wafer: str,
    settings: tuple[str, ...],
    engine: str,
    mode: str,
    max_grad_norm: float | None,
    loss_scaling: bool,
    out: Path | None,
    force: bool,
    json_path: str | None,
    quiet: bool,
) -> int:
    """Simulate optimizer steps of MODEL on a wafer.

    MODEL is a built-in name (wse models), a shapes file (JSON), a Hugging Face config.json, or
    module:factory.

    \b
    Examples:
      wse run gpt2 --optimizer AdamW --lr 1e-4 --out report
      wse run gpt2-xl --lr-schedule linear:0:2.5e-4:2000,cosine_decay:2.5e-4:0:98000
      wse run bert-base --wafer wse2:64x48 --engine pe --json -

    Exit codes: 0 fine, 2 wrong usage or input, 3 does not fit, 4 breaks a static-state rule.
    """
    spec = parse_wafer(wafer, settings)
    if out is not None:
        check_report_folder(out, force=force)
    result = emulate(
        model,
        optimizer=optimizer,
        config=config,
        lr=lr,
        lr_schedule=lr_schedule,
        options=parse_options(options),
        max_grad_norm=max_grad_norm,
        loss_scaling=loss_scaling,
        steps=steps,
        wafer=spec,
        engine=engine,
        mode=mode,
        command=_command(),
    )
    if not result.fits and config is None:
        # a run config brings options that fit() is not told: its report points to wse fit
        report = fit(
            model,
            optimizer=result.optimizer.name,
            lr=lr,
            options=parse_options(options),
            wafer=spec,
        )
        result = _with_levers(result, report)
    return report_run(result, out, force=force, json_path=json_path, quiet=quiet)


def _with_levers(result: RunResult, report: FitReport) -> RunResult:
    """The result of a model that does not fit, with what would make it fit."""
    levers = (Lever(what=v.what, saves_bytes=v.saves_bytes, fits=v.fits) for v in report.levers)
    return dataclasses.replace(result, levers=tuple(levers))


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
    begin = time.perf_counter()
    written: list[Path] = []
    if out is not None:
        with telling(len(VIEWS) + 2, quiet=quiet) as tell:
            written = write_report(result, out, force=force, tell=tell)
    took = dataclasses.replace(result.wall_seconds, report=time.perf_counter() - begin)
    result = dataclasses.replace(result, wall_seconds=took)
    if json_path is not None:
        write_json(json_path, run_document(result))
    if json_path != STDOUT:
        print_result(result, written, out)
    return 0 if result.fits else DOES_NOT_FIT


def print_result(result: RunResult, written: list[Path], out: Path | None) -> None:
    """The answer in words, then where the time goes, then what was written."""
    console = Console(soft_wrap=False)
    for paragraph in run_words(result):
        console.print(paragraph, highlight=False, markup=False)
    for table in run_tables(result):
        console.print()
        console.print(table)
    if out is not None:
        names = ", ".join(path.name for path in written)
        console.print(f"\nWrote {out}: {names}", highlight=False, markup=False)


def _command() -> str:
    """The command line that repeats this run."""
    words: list[str] = click.get_current_context().find_root().obj or []
    return shlex.join(words)
