"""``wse plot``: draw a picture of a saved result, or replay its step."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

import click

from wse_emulator.cli.output import force_option
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.errors import InputError, OutputError
from wse_emulator.results.files import read_run, result_file
from wse_emulator.results.folder import write_files
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell
from wse_emulator.terminal.plot import print_views
from wse_emulator.terminal.say import file_written, say
from wse_emulator.views import bottlenecks
from wse_emulator.views.catalog import QUESTIONS, VIEWS, check_view_name
from wse_emulator.views.page import FORMATS, render
from wse_emulator.views.replay import REPLAY, REPLAY_FORMATS, REPLAY_STAGES, replay
from wse_emulator.views.style import LIGHT, STYLES, Style

_DATA: Final = "csv"


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
    style: str,
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
    check_view_name(view_name)  # refused before a large result is read
    kinds = _kinds(view_name)
    target = Path(f"{view_name}.{kinds[0]}") if out is None else out
    kind = target.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise OutputError(
            f"cannot tell the format of {target}: for this view the name must end in "
            f"{', '.join('.' + k for k in kinds)}{_no_csv(kind)}"
        )
    with telling(_stages(view_name) + 1, quiet=quiet) as tell:
        tell(f"reading {result}")
        content = _content(result, view_name, kind, STYLES[style], tell)
    written = write_files(target.parent, {target.name: content}, force=force)
    say(file_written(written[0]))
    return 0


def _no_csv(kind: str) -> str:
    return "; its data are the arrays in run.npz" if kind == _DATA else ""


def _kinds(name: str) -> tuple[str, ...]:
    """The formats in which a view is written, its own one first."""
    if name == REPLAY:
        return REPLAY_FORMATS
    has_table = name == bottlenecks.NAME or VIEWS[name].table is not None
    return (*FORMATS, _DATA) if has_table else tuple(FORMATS)


def _stages(name: str) -> int:
    """What drawing a view tells of."""
    if name == bottlenecks.NAME:
        from wse_emulator.questions.explain import EXPLAIN_STAGES  # noqa: PLC0415 - as below

        return EXPLAIN_STAGES + 1
    return REPLAY_STAGES if name == REPLAY else 1


def _content(path: Path, name: str, kind: str, style: Style, tell: Tell) -> bytes:
    result = read_run(path)
    if name == REPLAY:
        return replay(result, kind, style, tell)
    if name == bottlenecks.NAME:
        return _bottlenecks(result, path, kind, style, tell)
    tell(f"drawing {name}")
    view = VIEWS[name]
    if kind != _DATA:
        return render(view.figure(result, style), style, kind)
    assert view.table is not None  # no other view has this format
    return view.table(result).csv()


def _bottlenecks(result: RunResult, path: Path, kind: str, style: Style, tell: Tell) -> bytes:
    """The result's step, repeated with each limit lifted: the picture or its data."""
    explanation = None
    if result.steps:
        # no other view emulates: they answer without loading torch
        from wse_emulator.questions.explain import (  # noqa: PLC0415 - slow, for this view alone
            KnownResult,
            explain_again,
        )

        known = KnownResult(
            source=str(result_file(path)), digest=result.digest, command=result.command
        )
        explanation = explain_again(result.request, known, tell)
    tell(f"drawing {bottlenecks.NAME}")
    if kind == _DATA:
        return bottlenecks.bottlenecks_table(explanation).csv()
    return render(bottlenecks.figure_bottlenecks(result, explanation, style), style, kind)
