"""``wse preflight``: one page about a run, before a queue slot is spent."""

from __future__ import annotations

from typing import Unpack, get_args

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

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
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.words import cycles, seconds, short
from wse_emulator.wafer.parse import parse_wafer

UNUSED_TOLD = 6


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
        _print(page)
    return page.exit_code


def _checked(factory: str) -> CheckReport:
    optimizer, scheduler, model = optimizer_among(factory, call_factory(factory))
    return check(optimizer, scheduler, model=model)


def _print(page: Preflight) -> None:
    console = Console(soft_wrap=False)
    console.print(
        f"{short(page.model, 40)} with {short(page.optimizer or 'no optimizer', 30)} on "
        f"{page.wafer}",
        highlight=False,
        markup=False,
    )
    console.print(page.verdict, highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for question, answer, words in _rows(page):
        table.add_row(question, answer, Text(words))
    console.print(table)
    heading = "What to change:" if page.changes else "Nothing has to change."
    console.print(heading, highlight=False, markup=False)
    for number, change in enumerate(page.changes, start=1):
        console.print(f"{number}. {change}.", highlight=False, markup=False)
    if page.unused:
        more = len(page.unused) - UNUSED_TOLD
        console.print(
            "Not used of the run config: "
            + ", ".join(page.unused[:UNUSED_TOLD])
            + (f" and {more} more (all in the JSON)." if more > 0 else "."),
            highlight=False,
            markup=False,
        )


def _rows(page: Preflight) -> list[tuple[str, str, str]]:
    """(question, answer, words) of each line of the page."""
    rows = [("legal", *_legal(page)), ("fits", *_fits(page))]
    batch = page.submit
    if batch is None and page.fit is not None and page.fit.batch is not None:
        rows.append(("submit", "-", "nothing as it is asked for; what to change is below"))
    if batch is not None:
        length = f", {batch.sequence_length:,} tokens each" if batch.sequence_length else ""
        rows.append(
            (
                "submit",
                "",
                f"batch {batch.batch_size:,}, micro-batch {batch.micro_batch:,}, recomputation "
                f"{batch.recompute}{length}",
            )
        )
    rows += [
        ("schedule", "look" if course.remarks else "yes", course.words) for course in page.schedules
    ]
    if not page.schedules:
        rows.append(("schedule", "-", "not known"))
    return [*rows, ("step time", *_time(page))]


def _legal(page: Preflight) -> tuple[str, str]:
    if page.legal is None:
        return "-", "not known: the step could not be built"
    if page.legal:
        return "yes", "the step keeps all static-state rules"
    return "NO", "; ".join(violation.message for violation in page.violations[:3])


def _fits(page: Preflight) -> tuple[str, str]:
    fit = page.fit
    if fit is None:
        return "-", "not known"
    reason = f" Mode: {fit.mode}, since {fit.mode_reason}." if fit.mode_reason else ""
    counted = "" if fit.activations_counted else " No batch is given: activations do not count."
    return "yes" if fit.fits else "NO", f"{fit.verdict}{reason}{counted}"


def _time(page: Preflight) -> tuple[str, str]:
    time = page.time
    if time is None:
        return "-", "not known"
    low, high = time.interval
    taken = seconds(time.seconds) if time.cycles is None else cycles(time.cycles)
    if time.cycles is None or high is None:
        return "", f"at least {taken}: {time.words}"
    between = f", between {seconds(low)} and {seconds(high)}" if 0 < low < high else ""
    return "", f"{taken} = {seconds(time.seconds)}{between}: {time.words}"
