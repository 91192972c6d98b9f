"""``wse collective``: one collective operation by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.cli.output import write_json
from wse_emulator.collectives.routes import Route, RouterColors, router_table
from wse_emulator.errors import CollectiveError
from wse_emulator.questions.collective import (
    CHOICES,
    COLLECTIVES,
    Choice,
    CollectiveKind,
    Request,
    Study,
    study,
)
from wse_emulator.wafer import WaferSpec, parse_wafer

if TYPE_CHECKING:
    from wse_emulator.collectives.compose import RootPlace

SCHEMA = "wse-collective/1"
_ROUTED_PES = 4096  # beyond it the router table is made only when asked for
_SHOWN_PES = 6

Positions = tuple[tuple[int, tuple[Route, ...]], ...]


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
@click.option("--json", "json_path", metavar="PATH", help="Write JSON to PATH (- for stdout).")
def collective(
    kind: str,
    pes: int | None,
    rows: int | None,
    cols: int | None,
    wavelets: int,
    algorithm: str,
    group: int | None,
    root: str,
    wafer: str,
    settings: tuple[str, ...],
    engine: str,
    routes: bool | None,
    json_path: str | None,
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
    spec = parse_wafer(wafer, settings)
    shape = _shape(pes, rows, cols, spec)
    request = Request(
        kind=cast("CollectiveKind", kind),
        rows=shape[0],
        cols=shape[1],
        wavelets=wavelets,
        algorithm=cast("Choice", algorithm),
        group=group,
        root=cast("RootPlace", root),
    )
    answer = study(request, spec, engine=engine)
    wanted = shape[0] * shape[1] <= _ROUTED_PES if routes is None else routes
    table = router_table(answer.activities, spec) if wanted else None
    if json_path is not None:
        write_json(json_path, collective_document(answer, table))
    if json_path != "-":
        _print(answer, table)
        if table is None and routes is None:
            click.echo("Routes are not listed for so many PEs; add --routes to see them.")


def _shape(pes: int | None, rows: int | None, cols: int | None, spec: WaferSpec) -> tuple[int, int]:
    """Rows and columns of what was asked for; a line lies along a row if it fits."""
    if pes is not None:
        if rows is not None or cols is not None:
            raise click.UsageError("give --pes for a line, or --rows and --cols, not both")
        if pes <= spec.cols:
            return 1, pes
        if pes <= spec.rows:
            return pes, 1
        raise CollectiveError(
            f"a line of {pes} PEs exceeds {spec.name}'s {spec.rows} rows and {spec.cols} columns"
        )
    if rows is None or cols is None:
        raise click.UsageError("give --pes for a line, or --rows and --cols for a rectangle")
    return rows, cols


def collective_document(answer: Study, table: tuple[RouterColors, ...] | None) -> dict[str, object]:
    """The answer as JSON holds it, schema ``wse-collective/1``; ``routers`` as :func:`roles`."""
    request = answer.request
    document: dict[str, object] = {
        "schema": SCHEMA,
        "kind": request.kind,
        "wafer": answer.wafer,
        "rows": request.rows,
        "cols": request.cols,
        "wavelets": request.wavelets,
        "root": request.root,
        "algorithms": list(answer.algorithms),
        "cycles": answer.cycles,
        "seconds": answer.seconds,
        "bounds": {
            "published_formula_cycles": answer.formula_cycles,
            "least_cycles": answer.least_cycles,
        },
        "candidates": {
            place: [{"algorithm": str(c.algorithm), "cycles": c.cycles} for c in ranked]
            for place, ranked in (
                ("rows", answer.row_candidates),
                ("column", answer.column_candidates),
            )
            if ranked
        },
        "links": [
            {
                "plane": load.plane,
                "links": load.links,
                "busiest_cycles": load.busiest_cycles,
                "total_cycles": load.total_cycles,
            }
            for load in answer.loads
        ],
    }
    if table is not None:
        document["routers"] = [
            {
                "pes": [list(pe) for pe in pes],
                "colors": [
                    {
                        "color": color,
                        "positions": [{"rx": r.rx, "tx": list(r.tx)} for r in routes],
                    }
                    for color, routes in positions
                ],
            }
            for positions, pes in roles(table)
        ]
    return document


def roles(table: tuple[RouterColors, ...]) -> list[tuple[Positions, list[tuple[int, int]]]]:
    """PEs that are routed alike, together; in the order of their first PE."""
    grouped: dict[Positions, list[tuple[int, int]]] = {}
    for entry in table:
        grouped.setdefault(entry.positions, []).append(entry.pe)
    return list(grouped.items())


def _print(answer: Study, table: tuple[RouterColors, ...] | None) -> None:
    console = Console()
    request = answer.request
    what = f"{request.kind} of {request.wavelets:,} wavelets over {request.rows} x {request.cols}"
    console.print(
        f"{what} PEs of {answer.wafer}: {answer.cycles:,} cycles, "
        f"{answer.seconds * 1e6:,.3f} us ({'; '.join(answer.algorithms)})"
    )
    console.print(
        f"published formula: {answer.formula_cycles:,} cycles; no algorithm is faster than "
        f"{answer.least_cycles:,} (length of the vector and distance)"
    )
    for place, ranked in (("rows", answer.row_candidates), ("column", answer.column_candidates)):
        if ranked:
            listed = ", ".join(f"{c.algorithm} {c.cycles:,}" for c in ranked)
            console.print(f"along the {place}: best is {ranked[0].algorithm}; cycles: {listed}")
    console.print(_loads_table(answer))
    if table is not None:
        console.print(_routes_table(table))


def _loads_table(answer: Study) -> Table:
    table = Table(title="Link loads", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("direction")
    for heading in ("links used", "busiest, cycles", "busiest, share", "all, cycles"):
        table.add_column(heading, justify="right")
    for load in answer.loads:
        table.add_row(
            "into PEs" if load.plane == "D" else load.plane,
            f"{load.links:,}",
            f"{load.busiest_cycles:,}",
            f"{load.busiest_cycles / answer.cycles:.0%}",
            f"{load.total_cycles:,}",
        )
    return table


def _routes_table(routers: tuple[RouterColors, ...]) -> Table:
    table = Table(
        title="Colors, routes and switch positions (row, column)",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("PEs", overflow="fold")
    table.add_column("color", justify="right")
    table.add_column("positions, in order", overflow="fold")
    for positions, pes in roles(routers):
        listed = ", ".join(str(pe) for pe in pes[:_SHOWN_PES])
        if len(pes) > _SHOWN_PES:
            listed += f", ... ({len(pes)} PEs)"
        for number, (color, routes) in enumerate(positions):
            shown = "; ".join(f"{i}: {route}" for i, route in enumerate(routes))
            table.add_row(Text(listed if number == 0 else ""), str(color), Text(shown))
    return table
