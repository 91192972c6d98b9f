"""``wse plot``: draw a picture of a saved result, or replay its step."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

import click

from wse_emulator.cli.output import force_option
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.errors import InputError
from wse_emulator.questions.saved.plot import plot as draw_view
from wse_emulator.results.answer import StyleName
from wse_emulator.terminal.plot import print_views
from wse_emulator.terminal.say import file_written, say
from wse_emulator.views import bottlenecks
from wse_emulator.views.catalog import QUESTIONS, check_view_name
from wse_emulator.views.page import FORMATS
from wse_emulator.views.replay import REPLAY, REPLAY_FORMATS, REPLAY_STAGES
from wse_emulator.views.style import LIGHT, STYLES

_NAMES: Final = textwrap.fill(", ".join(QUESTIONS), 70, break_on_hyphens=False)

_HELP: Final = f"""Draw one picture of RESULT, a folder that wse run --out wrote or its run.json.

\b
Views:
{textwrap.indent(_NAMES, "  ")}

The view bottlenecks emulates the step again, with each limit lifted in turn; replay is an
animation. wse plot --list says what each view answers.

\b
Examples:
  wse plot --list
  wse plot report --view wafer --out wafer.svg
  wse plot report --view timeline --style dark
  wse plot report --view utilization --out utilization.csv
  wse plot report --view bottlenecks
  wse plot report --view replay --out step.gif
"""


@click.command(help=_HELP)
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option(
    "--view",
    "view_name",
    metavar="NAME",
    help="Which picture; --list names them and what each answers.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to; the ending chooses PNG, SVG, or CSV (the data), for replay GIF or MP4. "
    "Default: NAME.png here, replay.gif.",
)
@click.option(
    "--style",
    type=click.Choice(list(STYLES)),
    default=LIGHT.name,
    show_default=True,
    help="Colours for a light or a dark page.",
)
@force_option
@quiet_option
@click.option("--list", "listing", is_flag=True, help="List the views and what each answers.")
def plot(
    result: Path | None,
    view_name: str | None,
    out: Path | None,
    style: StyleName,
    force: bool,
    quiet: bool,
    listing: bool,
) -> int:
    """Draw one picture; the help page is made of the views there are."""
    if listing:
        print_views(QUESTIONS)
        return 0
    if result is None or view_name is None:
        what = "a RESULT and --view NAME" if result is None else "--view NAME"
        raise InputError(f"wse plot needs {what}; wse plot --list names the views")
    check_view_name(view_name)
    kinds = REPLAY_FORMATS if view_name == REPLAY else FORMATS
    target = Path(f"{view_name}.{kinds[0]}") if out is None else out
    with telling(_stages(view_name) + 1, quiet=quiet) as tell:
        written = draw_view(result, view_name, out=target, style=style, force=force, tell=tell)
    say(file_written(written))
    return 0


def _stages(name: str) -> int:
    """What drawing a view tells of."""
    if name == bottlenecks.NAME:
        from wse_emulator.questions.explain import EXPLAIN_STAGES  # noqa: PLC0415 - as below

        return EXPLAIN_STAGES + 1
    return REPLAY_STAGES if name == REPLAY else 1
