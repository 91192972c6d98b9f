"""``wse schedule``: show the learning rate of a run config, step by step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, write_bytes_atomically, write_text_atomically
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.questions.schedule import schedule as evaluate
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
@click.option("--csv", "csv_path", metavar="FILE", help="Write every step as CSV ('-': stdout).")
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw the curves on a linear and a log axis.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write JSON ('-': stdout).")
@quiet_option
def schedule(
    config: Path,
    steps: int | None,
    compare: Path | None,
    csv_path: str | None,
    plot_path: Path | None,
    json_path: str | None,
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
    with telling(1 + (compare is not None) + (plot_path is not None), quiet=quiet) as tell:
        rates = evaluate(config, steps=steps, compare=compare, tell=tell)
        if plot_path is not None:
            tell("drawing the curves")
            _write_plot(plot_path, rates)
    schedules = [rates] if rates.beside is None else [rates, rates.beside]
    if csv_path is not None:
        _write(csv_path, csv_text(schedules))
    if json_path is not None:
        _write(json_path, json.dumps(rates.document(), allow_nan=False) + "\n")
    if STDOUT not in (csv_path, json_path):
        print_rates(schedules)


def _write(target: str, text: str) -> None:
    if target == STDOUT:
        sys.stdout.write(text)
    else:
        write_text_atomically(Path(target), text)


def _write_plot(path: Path, rates: LearningRates) -> None:
    # drawing is imported here: a table needs none of it
    from wse_emulator.views.learning_rate import figure_learning_rate  # noqa: PLC0415
    from wse_emulator.views.page import render  # noqa: PLC0415
    from wse_emulator.views.style import LIGHT  # noqa: PLC0415

    picture = render(figure_learning_rate(rates, rates.beside), LIGHT, path.suffix.lower()[1:])
    write_bytes_atomically(path, picture)
