"""``wse compare``: lay two saved results side by side."""

from __future__ import annotations

from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.results.compare import compare as lay_side_by_side
from wse_emulator.results.files import read_run
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.terminal.compare import print_comparison
from wse_emulator.views.difference import figure_difference
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT, STYLES

_PICTURE = "difference.png"


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Draw the difference into DIR."
)
@click.option("--style", type=click.Choice(list(STYLES)), default=LIGHT.name, show_default=True)
@json_option("it")
@force_option
@quiet_option
def compare(
    before: Path,
    after: Path,
    out: Path | None,
    style: str,
    force: bool,
    json_path: str | None,
    quiet: bool,
) -> int:
    """Lay the results BEFORE and AFTER side by side: what changed, and what came of it.

    Each is a folder that wse run --out wrote, or the run.json in it.

    \b
    Examples:
      wse compare report-adamw report-sgd
      wse compare report-wse2 report-wse3 --out difference --json -
    """
    if out is not None:
        check_folder(out, [_PICTURE], force=force)
    written: list[Path] = []
    with telling(3 if out is None else 4, quiet=quiet) as tell:
        tell(f"reading {before}")
        first = read_run(before)
        tell(f"reading {after}")
        second = read_run(after)
        tell("comparing")
        comparison = lay_side_by_side(first, second)
        if out is not None:
            tell("drawing the difference")
            picture = render(figure_difference(first, second, STYLES[style]), STYLES[style])
            written = write_files(out, {_PICTURE: picture}, force=force)
    if json_path is not None:
        write_json(json_path, comparison.document(), force=force)
    if json_path != STDOUT:
        print_comparison(comparison, written)
    return 0
