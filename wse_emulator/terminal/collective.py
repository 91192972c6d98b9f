"""What ``wse collective`` prints."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.collectives.routes import Route, RouterColors
from wse_emulator.questions.collective import Study

_SHOWN_PES = 6

Positions = tuple[tuple[int, tuple[Route, ...]], ...]


def roles(table: tuple[RouterColors, ...]) -> list[tuple[Positions, list[tuple[int, int]]]]:
    """PEs that are routed alike, together; in the order of their first PE."""
    grouped: dict[Positions, list[tuple[int, int]]] = {}
    for entry in table:
        grouped.setdefault(entry.positions, []).append(entry.pe)
    return list(grouped.items())


def print_study(answer: Study, table: tuple[RouterColors, ...] | None) -> None:
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
