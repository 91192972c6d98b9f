"""``wse plot``: any picture of a saved result, again, in another format or style."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from wse_emulator.cli.progress import Tell, quiet_option, telling
from wse_emulator.errors import InputError, OutputError
from wse_emulator.results.files import read_run
from wse_emulator.results.folder import write_files
from wse_emulator.results.run_result import RunResult
from wse_emulator.views.catalog import VIEWS, view_named
from wse_emulator.views.page import FORMATS, render
from wse_emulator.views.replay import REPLAY, REPLAY_FORMATS, REPLAY_STAGES, replay
from wse_emulator.views.style import LIGHT, STYLES, Style

_DATA: Final = "csv"


@click.command()
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option("--view", "view_name", metavar="NAME", help="Which picture; --list names them.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to; the ending chooses PNG, SVG, or CSV (the data). Default: NAME.png here.",
)
@click.option("--style", type=click.Choice(list(STYLES)), default=LIGHT.name, show_default=True)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@quiet_option
@click.option("--list", "listing", is_flag=True, help="List the views and what each answers.")
def plot(
    result: Path | None,
    view_name: str | None,
    out: Path | None,
    style: str,
    force: bool,
    quiet: bool,
    listing: bool,
) -> int:
    """Draw one picture of RESULT, a folder that wse run --out wrote or the run.json in it.

    \b
    Examples:
      wse plot --list
      wse plot report --view wafer --out wafer.svg
      wse plot report --view timeline --style dark
      wse plot report --view utilization --out utilization.csv
      wse plot report --view replay --out step.gif
    """
    if listing:
        for view in VIEWS.values():
            click.echo(f"{view.name:<18}{view.question}")
        click.echo(f"{REPLAY:<18}How does the step cross the wafer? (an animation, GIF or MP4)")
        return 0
    if result is None or view_name is None:
        raise InputError("wse plot needs a RESULT and --view NAME; wse plot --list names the views")
    if view_name != REPLAY:
        view_named(view_name)  # an unknown view is refused before a large result is read
    kinds = REPLAY_FORMATS if view_name == REPLAY else (*FORMATS, _DATA)
    target = Path(f"{view_name}.{kinds[0]}") if out is None else out
    kind = target.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise OutputError(
            f"cannot tell the format of {target}: for this view the name must end in "
            f"{', '.join('.' + k for k in kinds)}"
        )
    stages = REPLAY_STAGES if view_name == REPLAY else 1
    with telling(stages + 1, quiet=quiet) as tell:
        tell(f"reading {result}")
        content = _content(read_run(result), view_name, kind, STYLES[style], tell)
    written = write_files(target.parent, {target.name: content}, force=force)
    click.echo(f"Wrote {written[0]}")
    return 0


def _content(result: RunResult, name: str, kind: str, style: Style, tell: Tell) -> bytes:
    if name == REPLAY:
        return replay(result, kind, style, tell)
    tell(f"drawing {name}")
    view = view_named(name)
    if kind != _DATA:
        return render(view.figure(result, style), style, kind)
    if view.table is None:
        raise InputError(f"the data of view {name!r} are the arrays in run.npz; no CSV is made")
    return view.table(result).csv()
