"""``wse collective``: time one collective operation by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.collectives.routes import router_table
from wse_emulator.questions.collective import (
    CHOICES,
    COLLECTIVES,
    Choice,
    CollectiveKind,
    CollectiveRequest,
    collective_shape,
    study,
)
from wse_emulator.wafer import parse_wafer

if TYPE_CHECKING:
    from wse_emulator.collectives.compose import RootPlace
from wse_emulator.terminal.collective import print_study, routes_hidden
from wse_emulator.terminal.say import say

_ROUTED_PES = 4096  # beyond it the router table is made only when asked for


class CollectiveFlags(TypedDict):
    """What names the collective and the machine, by the names click gives them."""

    kind: CollectiveKind
    wavelets: int
    algorithm: Choice
    group: int | None
    root: RootPlace
    wafer: str
    settings: tuple[str, ...]
    engine: str


@click.command()
@click.argument("kind", type=click.Choice(COLLECTIVES))
@click.option("--pes", type=click.IntRange(min=1), help="PEs of a line.")
@click.option("--rows", type=click.IntRange(min=1), help="Rows of a rectangle.")
@click.option("--cols", type=click.IntRange(min=1), help="Columns of a rectangle.")
@click.option("--wavelets", type=click.IntRange(min=1), required=True, help="Vector length.")
@click.option(
    "--algorithm", type=click.Choice(CHOICES), default="auto", help="auto takes the cheapest."
)
@click.option("--group", type=click.IntRange(min=1), help="PEs of a two-phase group.")
@click.option("--root", type=click.Choice(["edge", "centre"]), default="edge", help="Root PE.")
@click.option("--wafer", default="wse2", help="Preset or machine file.  [default: wse2]")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a figure.")
@click.option("--engine", default="array", help="array or pe.")
@click.option("--routes/--no-routes", default=None, help="Show colors and routes per PE.")
@json_option("the answer")
@force_option
def collective(
    pes: int | None,
    rows: int | None,
    cols: int | None,
    routes: bool | None,
    json_path: str | None,
    force: bool,
    **flags: Unpack[CollectiveFlags],
) -> None:
    """Time one collective on an otherwise empty wafer; KIND is what it does.

    Shows time, bounds, the best algorithm for the size, link loads, and the colors, routes and
    switch positions of every PE.

    \b
    Examples:
      wse collective reduce --algorithm two-phase --pes 512 --wavelets 4096
      wse collective all-reduce --rows 595 --cols 602 --wavelets 1 --root centre
      wse collective broadcast --pes 64 --wavelets 256 --json -
    """
    spec = parse_wafer(flags["wafer"], flags["settings"])
    shape = collective_shape(pes, rows, cols, spec)
    request = CollectiveRequest(
        kind=flags["kind"],
        rows=shape[0],
        cols=shape[1],
        wavelets=flags["wavelets"],
        algorithm=flags["algorithm"],
        group=flags["group"],
        root=flags["root"],
    )
    answer = study(request, spec, engine=flags["engine"])
    wanted = shape[0] * shape[1] <= _ROUTED_PES if routes is None else routes
    table = router_table(answer.activities, spec) if wanted else None
    if json_path is not None:
        write_json(json_path, answer.document(table), force=force)
    if json_path != STDOUT:
        print_study(answer, table)
        if table is None and routes is None:
            say(routes_hidden())
