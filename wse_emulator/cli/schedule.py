"""``wse schedule``: the learning rate of a run config, before anything runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from wse_emulator.cli.output import STDOUT, write_bytes_atomically, write_text_atomically
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.configs.read import read_run_config
from wse_emulator.questions.schedule import learning_rates
from wse_emulator.results.schedule import LearningRates

_TABLE_ROWS = 24
_MARKED_ROWS = 12


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
        tell(f"evaluating {config}")
        rates = learning_rates(read_run_config(config), steps)
        other = None
        if compare is not None:
            tell(f"evaluating {compare}")
            other = learning_rates(read_run_config(compare), steps)
        if plot_path is not None:
            tell("drawing the curves")
            _write_plot(plot_path, rates, other)
    schedules = [rates] if other is None else [rates, other]
    if csv_path is not None:
        _write(csv_path, _csv(schedules))
    if json_path is not None:
        document = rates.document()
        if other is not None:
            document["compare"] = other.document()
        _write(json_path, json.dumps(document, allow_nan=False) + "\n")
    if STDOUT not in (csv_path, json_path):
        for line in _table(schedules):
            click.echo(line)


def _columns(schedules: list[LearningRates]) -> dict[str, NDArray[np.float32]]:
    """Column title -> rates; titles carry the file when there are two."""
    columns: dict[str, NDArray[np.float32]] = {}
    for number, rates in enumerate(schedules, start=1):
        file = Path(rates.source).name
        for group in rates.groups:
            title = "learning_rate" if len(rates.groups) == 1 else group.name
            if len(schedules) > 1:
                title = file if len(rates.groups) == 1 else f"{file}:{group.name}"
            if title in columns:
                title = f"{title} ({number})"
            columns[title] = group.learning_rate
    return columns


def _shown_steps(schedules: list[LearningRates]) -> dict[int, bool]:
    """Steps of the table, evenly spread, and whether each is a milestone."""
    last = max(rates.steps for rates in schedules) - 1
    marked = sorted({m for rates in schedules for group in rates.groups for m in group.milestones})
    spread = np.unique(np.linspace(0, last, _TABLE_ROWS).round().astype(int)).tolist()
    kept = marked[:_MARKED_ROWS]
    return {step: step in marked for step in sorted({*spread, *kept})}


def _table(schedules: list[LearningRates]) -> Iterator[str]:
    for rates in schedules:
        yield f"{rates.source}: {rates.steps:,} step{'' if rates.steps == 1 else 's'}"
    columns = _columns(schedules)
    widths = {title: max(len(title), 12) for title in columns}
    yield "  ".join(["step".rjust(12), *(title.rjust(widths[title]) for title in columns)])
    for step, milestone in _shown_steps(schedules).items():
        cells = [
            (f"{rates[step]:.6g}" if step < rates.size else "-").rjust(widths[title])
            for title, rates in columns.items()
        ]
        mark = "  milestone" if milestone else ""
        yield "  ".join([f"{step:,}".rjust(12), *cells]) + mark
    for rates in schedules:
        if rates.ignored:
            yield f"{rates.source}: not used by the schedule: {', '.join(rates.ignored)}"


def _csv(schedules: list[LearningRates]) -> str:
    columns = _columns(schedules)
    last = max(rates.size for rates in columns.values())
    quoted = (f'"{t}"' if "," in t or '"' in t else t for t in columns)
    header = ",".join(["step", *quoted])
    # 9 significant digits are enough to read every float32 back exactly
    texts = [np.char.mod("%.9g", rates).tolist() for rates in columns.values()]
    padded = [text + [""] * (last - len(text)) for text in texts]
    rows = (",".join(row) for row in zip(map(str, range(last)), *padded, strict=True))
    return "\n".join([header, *rows]) + "\n"


def _write(target: str, text: str) -> None:
    if target == STDOUT:
        sys.stdout.write(text)
    else:
        write_text_atomically(Path(target), text)


def _write_plot(path: Path, rates: LearningRates, other: LearningRates | None) -> None:
    # drawing is imported here: a table needs none of it
    from wse_emulator.views.learning_rate import figure_learning_rate  # noqa: PLC0415
    from wse_emulator.views.page import render  # noqa: PLC0415
    from wse_emulator.views.style import LIGHT  # noqa: PLC0415

    picture = render(figure_learning_rate(rates, other), LIGHT, path.suffix.lower()[1:])
    write_bytes_atomically(path, picture)
