"""``wse check``: judge an optimizer by the static-state rules."""

from __future__ import annotations

from typing import Final

import click

from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.models.factory import require_factory
from wse_emulator.terminal.check import print_verdict

MOST_STEPS: Final = 100_000
"""Each is captured by itself, some milliseconds for a small model."""


@click.command()
@click.argument("factory", metavar="MODULE:FACTORY")
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    default=16,
    show_default=True,
    metavar="N",
    help="Steps to capture.",
)
@click.option(
    "--real",
    is_flag=True,
    help="Build and step with values; default: without, where the step asks for none.",
)
@click.option(
    "--json", "json_path", metavar="FILE", help="Write the verdict as JSON ('-': stdout)."
)
@quiet_option
def check(factory: str, steps: int, real: bool, json_path: str | None, quiet: bool) -> int:
    """Judge the optimizer that MODULE:FACTORY returns by the static-state rules.

    The factory takes no arguments and returns an optimizer, or a tuple or list of optimizers,
    schedulers and models in any order; every optimizer is judged. They may be torch's or your own.
    FILE.py:FACTORY works too, and a class of optimizers is judged on a small model.

    \b
    Examples:
      wse check mymodule:make_optimizer
      wse check train.py:optimizer --steps 100 --json verdict.json

    Exit codes: 0 legal, 2 wrong usage or input, or could not be judged, 4 breaks a static-state
    rule.
    """
    require_factory(factory)
    from wse_emulator.questions.check import check_factory  # noqa: PLC0415 - loads torch

    with telling(None, quiet=quiet) as tell:
        report = check_factory(factory, steps=steps, real=real, tell=tell)
    if json_path is not None:
        write_json(json_path, report.document())
    if json_path != STDOUT:
        print_verdict(report)
    return report.exit_code
