"""``wse schedule``: show the learning rate of a run config, step by step."""

from __future__ import annotations

import json
from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, text_option, write_text
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.questions.schedule import schedule as evaluate
from wse_emulator.results.one_file import check_file, holds_own_json, write_file
from wse_emulator.results.schedule import LearningRates
from wse_emulator.terminal.schedule import csv_text, print_rates


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--steps",
    type=int,
    metavar="N",
    help="Steps to evaluate, from 0; by default as many as the config runs.",
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path),
    metavar="OTHER",
    help="Another run config, laid over the first in table and plot.",
)
@text_option("csv", "every step as CSV")
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw the curves on a linear and a log axis.",
)
@json_option("every step")
@force_option
@quiet_option
def schedule(
    config: Path,
    steps: int | None,
    compare: Path | None,
    csv_path: str | None,
    plot_path: Path | None,
    json_path: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Show the learning rate of a run config, step by step.

    CONFIG is a Model Zoo run config, YAML of the 1.x or 2.x form. The table shows some steps and
    every milestone; CSV and JSON have every step.

    \b
    Examples:
      wse schedule params_gpt2_small.yaml
      wse schedule params.yaml --steps 10000 --plot rate.png --csv rate.csv
      wse schedule params.yaml --compare other.yaml --plot both.png
    """
    if csv_path == STDOUT and json_path == STDOUT:
        raise click.UsageError("--csv - and --json - cannot both write to stdout; name a file")
    if plot_path is not None and plot_path.suffix.lower() not in (".png", ".svg"):
        raise click.UsageError(f"--plot {plot_path}: name a .png or .svg file")
    _refuse_one_file_for_two(csv_path, plot_path, json_path)
    if plot_path is not None:
        check_file(plot_path, force=force)
    with telling(1 + (compare is not None) + (plot_path is not None), quiet=quiet) as tell:
        rates = evaluate(config, steps=steps, compare=compare, tell=tell)
        if plot_path is not None:
            tell("drawing the curves")
            _write_plot(plot_path, rates, force=force)
    schedules = [rates] if rates.beside is None else [rates, rates.beside]
    if csv_path is not None:
        write_text(csv_path, csv_text(schedules), force=force)
    if json_path is not None:
        text = json.dumps(rates.document(), allow_nan=False) + "\n"
        write_text(json_path, text, force=force, disposable=holds_own_json)
    if STDOUT not in (csv_path, json_path):
        print_rates(schedules)


def _refuse_one_file_for_two(*targets: str | Path | None) -> None:
    names = [str(target) for target in targets if target is not None]
    for name in names:
        if names.count(name) > 1 and name != STDOUT:
            raise click.UsageError(f"{name} is named for two outputs; give each its own file")


def _write_plot(path: Path, rates: LearningRates, *, force: bool) -> None:
    # drawing is imported here: a table needs none of it
    from wse_emulator.views.learning_rate import figure_learning_rate  # noqa: PLC0415
    from wse_emulator.views.page import render  # noqa: PLC0415
    from wse_emulator.views.style import LIGHT  # noqa: PLC0415

    picture = render(figure_learning_rate(rates, rates.beside), LIGHT, path.suffix.lower()[1:])
    write_file(path, picture, force=force)
