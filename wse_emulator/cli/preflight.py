"""``wse preflight``: judge a run before it is queued: legal, fits, schedule, time, on one page."""

from __future__ import annotations

from typing import Unpack, get_args

import click

from wse_emulator.cli.check import optimizer_among
from wse_emulator.cli.options import parse_options, typed_command
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.cli.step_options import StepFlags, step_options
from wse_emulator.inputs.precision import POLICIES, parse_precision
from wse_emulator.inputs.read import Mode
from wse_emulator.models.factory import call_factory
from wse_emulator.questions.check import check
from wse_emulator.questions.preflight import Plan
from wse_emulator.questions.preflight import preflight as judge
from wse_emulator.results.check import CheckReport
from wse_emulator.terminal.preflight import print_page
from wse_emulator.wafer.parse import parse_wafer


@click.command()
@click.argument("model", metavar="CONFIG|MODEL")
@step_options
@click.option("--batch-size", type=int, metavar="N", help="Samples a step; default: the config's.")
@click.option("--seq-len", type=int, metavar="N", help="Tokens a sample; default: the config's.")
@click.option(
    "--precision", type=click.Choice(POLICIES), help="What is stored in which dtype; as wse fit."
)
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
@click.option("--json", "json_path", metavar="FILE", help="Write the page as JSON ('-': stdout).")
@quiet_option
def preflight(
    model: str,
    batch_size: int | None,
    seq_len: int | None,
    precision: str | None,
    mode: Mode,
    steps: int | None,
    factory: str | None,
    json_path: str | None,
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
    plan = Plan(
        model=model,
        config=flags["config"],
        optimizer=flags["optimizer"],
        lr=flags["lr"],
        lr_schedule=flags["lr_schedule"],
        options=parse_options(flags["options"]),
        max_grad_norm=flags["max_grad_norm"],
        wafer=parse_wafer(flags["wafer"], flags["settings"]),
        engine=flags["engine"],
        mode=mode,
        precision=None if precision is None else parse_precision(precision),
        batch_size=batch_size,
        sequence=seq_len,
        steps=steps,
        checked=None if factory is None else _checked(factory),
        command=typed_command(),
    )
    with telling(None, quiet=quiet) as tell:
        page = judge(plan, tell)
    if json_path is not None:
        write_json(json_path, page.document())
    if json_path != STDOUT:
        print_page(page)
    return page.exit_code


def _checked(factory: str) -> CheckReport:
    optimizer, scheduler, model = optimizer_among(factory, call_factory(factory))
    return check(optimizer, scheduler, model=model)
