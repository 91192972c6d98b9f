"""``wse compare``: two saved results, side by side."""

from __future__ import annotations

from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.results.compare import Comparison, Total, answer
from wse_emulator.results.compare import compare as lay_side_by_side
from wse_emulator.results.files import read_run
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.results.words import short, significant, without_common_prefix
from wse_emulator.views.difference import figure_difference
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT, STYLES

_PICTURE = "difference.png"
_TENSORS = 12


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Draw the difference into DIR."
)
@click.option("--style", type=click.Choice(list(STYLES)), default=LIGHT.name, show_default=True)
@click.option("--force", is_flag=True, help="Replace a picture of an earlier comparison in DIR.")
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON ('-': stdout).")
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
        write_json(json_path, comparison.document())
    if json_path != STDOUT:
        _print(comparison, written)
    return 0


def _print(comparison: Comparison, written: list[Path]) -> None:
    console = Console()
    for line in (
        f"Before: {comparison.before}",
        f"After: {comparison.after}",
        answer(comparison),
    ):
        console.print(line, highlight=False, markup=False)
    for table in (_settings(comparison), _totals(comparison), _tensors(comparison)):
        if table.row_count:
            console.print()
            console.print(table)
    for path in written:
        console.print(f"Wrote {path}", highlight=False, markup=False)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
    return table


def _settings(comparison: Comparison) -> Table:
    table = _table("Configured otherwise", "what", "before", "after")
    for setting in comparison.settings:
        table.add_row(setting.name, setting.before, setting.after)
    return table


def _totals(comparison: Comparison) -> Table:
    table = _table("In total", "what", "before", "after", "after / before")
    for total in comparison.totals:
        ratio = "" if total.ratio is None else f"{total.ratio:.4g}"
        unit = f" ({total.unit})" if total.unit else ""
        table.add_row(f"{total.name}{unit}", *(_number(total, side) for side in (0, 1)), ratio)
    return table


def _number(total: Total, side: int) -> str:
    value = total.after if side else total.before
    return f"{value:,.0f}" if value == int(value) else significant(value, 4)


def _tensors(comparison: Comparison) -> Table:
    moved = [t for t in comparison.tensors if t.before_cycles != t.after_cycles]
    moved.sort(key=lambda t: -abs(t.after_cycles - t.before_cycles))
    table = _table(
        f"Tensors that take another time, {min(len(moved), _TENSORS)} of {len(moved)}",
        "tensor",
        "before (cycles)",
        "after (cycles)",
        "change",
    )
    names = without_common_prefix([tensor.name for tensor in moved[:_TENSORS]])
    for name, tensor in zip(names, moved, strict=False):
        change = tensor.after_cycles - tensor.before_cycles
        row = (f"{tensor.before_cycles:,}", f"{tensor.after_cycles:,}", f"{change:+,}")
        table.add_row(short(name, 40), *row)
    return table
