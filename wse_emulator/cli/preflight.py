"""``wse preflight``: judge a run before it is queued: legal, fits, schedule, time, on one page."""

from __future__ import annotations

from typing import Unpack, get_args

import click

from wse_emulator.cli.options import typed_command
from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, given, step_options
from wse_emulator.models.catalog import check_model_name
from wse_emulator.models.factory import require_factory
from wse_emulator.request import Mode
from wse_emulator.results.check import CheckReport
from wse_emulator.tell import Tell
from wse_emulator.terminal.preflight import print_page


@click.command()
@click.argument("model", metavar="CONFIG|MODEL")
@step_options
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="auto",
    show_default=True,
    help="All layers on the wafer at once, or weights streamed in layer by layer.",
)
@click.option("--steps", type=int, metavar="N", help="Steps of the run; default: the config's.")
@click.option(
    "--check", "factory", metavar="MODULE:FACTORY", help="Judge an optimizer of your own too."
)
@json_option("the page")
@force_option
@quiet_option
def preflight(
    model: str,
    mode: Mode,
    steps: int | None,
    factory: str | None,
    json_path: str | None,
    force: bool,
    quiet: bool,
    **flags: Unpack[StepFlags],
) -> int:
    """Judge a planned run on one page: legal, fits, schedule as meant, step time, what to change.

    CONFIG is a run config (YAML), which brings model, optimizer, schedule and batch; MODEL with
    flags does without. What flags say goes before the config.

    \b
    Examples:
      wse preflight params_gpt2_small.yaml
      wse preflight gpt2-xl --batch-size 4 --lr-schedule constant:2e-4 --json -

    Exit codes: 0 ready, else the first that applies of 4 breaks a static-state rule, 3 does not
    fit, 2 wrong usage or input.
    """
    asked = given(model, flags, mode=mode, steps=steps)
    check_model_name(model)
    if factory is not None:
        require_factory(factory)
    from wse_emulator.questions.preflight import answer_preflight  # noqa: PLC0415 - loads torch

    with telling(None, quiet=quiet) as tell:
        checked = None if factory is None else _checked(factory, tell)
        page = answer_preflight(
            asked,
            checked=checked,
            command=typed_command(),
            tell=tell,
        )
    if json_path is not None:
        write_json(json_path, page.document(), force=force)
    if json_path != STDOUT:
        print_page(page)
    return page.exit_code


def _checked(factory: str, tell: Tell) -> CheckReport:
    """The verdict on an optimizer of the user's own."""
    from wse_emulator.questions.check import verdict_on_factory  # noqa: PLC0415 - loads torch

    return verdict_on_factory(factory, tell=tell)
