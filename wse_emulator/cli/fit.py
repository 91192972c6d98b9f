"""``wse fit``: say whether a model fits in on-wafer memory, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack, get_args

import click

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, given, memory_options
from wse_emulator.errors import DoesNotFitError
from wse_emulator.models.catalog import check_model_name
from wse_emulator.request import Mode
from wse_emulator.results.fit import SOLVABLE, Solvable
from wse_emulator.terminal.fit import print_report
from wse_emulator.terminal.say import say_written


class FitFlags(StepFlags):
    """The options of the command, by the names click gives them."""

    levers: bool
    all_optimizers: bool
    solve: Solvable | None


@click.command()
@click.argument("model")
@memory_options
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="pipelined",
    show_default=True,
    help="All layers on the wafer at once, or weights streamed in layer by layer.",
)
@click.option("--levers/--no-levers", default=True, show_default=True, help="Say what would help.")
@click.option("--all-optimizers", is_flag=True, help="Judge every optimizer, as a table.")
@click.option(
    "--solve",
    type=click.Choice(SOLVABLE),
    help="Find the largest that fits, everything else as given.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw the answer: a page and pictures of the memory.",
)
@json_option("the report")
@force_option
@quiet_option
def fit(
    model: str,
    mode: Mode,
    out: Path | None,
    force: bool,
    json_path: str | None,
    quiet: bool,
    **flags: Unpack[FitFlags],
) -> int:
    """Say whether MODEL's training state fits in on-wafer memory, PE by PE.

    MODEL is a built-in name (wse models), a shapes file (JSON), a Hugging Face config.json, a run
    config (YAML), or module:factory. Nothing of it is allocated.

    \b
    Examples:
      wse fit gpt2-xl --optimizer AdamW
      wse fit llama2-70b --wafer wse3 --json -
      wse fit llama2-70b --mode weight-streaming --out report
      wse fit gpt2-large --batch-size 80 --precision mixed
      wse fit gpt-j-6b --batch-size 40 --mode weight-streaming --solve batch

    Exit codes: 0 fits, 2 wrong usage or input, 3 does not fit, 4 breaks a
    static-state rule.
    """
    asked = given(model, flags, mode=mode)
    check_model_name(model)
    from wse_emulator.questions.fit.answer import More, answer_fit  # noqa: PLC0415 - loads torch

    if out is not None:
        from wse_emulator.report import fit as pictures  # noqa: PLC0415 - slow, for pictures alone

        pictures.check_fit_folder(out, force=force)
    written: list[Path] = []
    with telling(None, quiet=quiet) as tell:
        report = answer_fit(
            asked,
            More(
                levers=flags["levers"],
                optimizers=flags["all_optimizers"],
                solve_for=flags["solve"],
            ),
            command=typed_command(),
            tell=tell,
        )
        if out is not None:
            written = pictures.draw(report, out, force=force, tell=tell)
    if json_path is not None:
        write_json(json_path, report.document(), force=force)
    if json_path != STDOUT:
        print_report(report)
        if out is not None:
            say_written(out, written)
    return 0 if report.fits else DoesNotFitError.exit_code
