"""``wse compare``: lay two saved results side by side."""

from __future__ import annotations

from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.questions.saved.compare import DIFFERENCE_PICTURE
from wse_emulator.questions.saved.compare import compare as lay_side_by_side
from wse_emulator.results.answer import StyleName
from wse_emulator.terminal.compare import print_comparison
from wse_emulator.views.style import LIGHT, STYLES


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
    style: StyleName,
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
    with telling(3 if out is None else 4, quiet=quiet) as tell:
        comparison = lay_side_by_side(before, after, out=out, style=style, force=force, tell=tell)
    written = [] if out is None else [out / DIFFERENCE_PICTURE]
    if json_path is not None:
        write_json(json_path, comparison.document(), force=force)
    if json_path != STDOUT:
        print_comparison(comparison, written)
    return 0
