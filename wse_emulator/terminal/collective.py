"""What ``wse collective`` prints."""

from __future__ import annotations

from rich.table import Table

from wse_emulator.collectives.routes import Route, RouterColors
from wse_emulator.questions.collective import Study
from wse_emulator.terminal.say import say, show, table

_SHOWN_PES = 6

Positions = tuple[tuple[int, tuple[Route, ...]], ...]


def roles(routers: tuple[RouterColors, ...]) -> list[tuple[Positions, list[tuple[int, int]]]]:
    """The PEs that have the same routes, in groups, in the order of their first PE."""
    grouped: dict[Positions, list[tuple[int, int]]] = {}
    for entry in routers:
        grouped.setdefault(entry.positions, []).append(entry.pe)
    return list(grouped.items())


def print_study(answer: Study, routers: tuple[RouterColors, ...] | None) -> None:
    """Print cycles and algorithms in words, then the links, and the routers if they are given."""
    request = answer.request
    what = f"{request.kind} of {request.wavelets:,} wavelets over {request.rows} x {request.cols}"
    say(
        f"{what} PEs of {answer.wafer}: {answer.cycles:,} cycles, "
        f"{answer.seconds * 1e6:,.3f} us ({'; '.join(answer.algorithms)})"
    )
    say(
        f"published formula: {answer.formula_cycles:,} cycles; no algorithm is faster than "
        f"{answer.least_cycles:,} (length of the vector and distance)"
    )
    for place, ranked in (("rows", answer.row_candidates), ("column", answer.column_candidates)):
        if ranked:
            listed = ", ".join(f"{c.algorithm} {c.cycles:,}" for c in ranked)
            say(f"along the {place}: best is {ranked[0].algorithm}; cycles: {listed}")
    show(_loads_table(answer))
    if routers is not None:
        show(_routes_table(routers))


def _loads_table(answer: Study) -> Table:
    headings = ("direction", "links used", "busiest, cycles", "busiest, share", "all, cycles")
    loads = table("Link loads", *headings)
    for load in answer.loads:
        loads.add_row(
            "into PEs" if load.plane == "D" else load.plane,
            f"{load.links:,}",
            f"{load.busiest_cycles:,}",
            f"{load.busiest_cycles / answer.cycles:.0%}",
            f"{load.total_cycles:,}",
        )
    return loads


def _routes_table(routers: tuple[RouterColors, ...]) -> Table:
    title = "Colors, routes and switch positions (row, column)"
    words = ("PEs", "positions, in order")
    routes = table(title, "PEs", "color", "positions, in order", words=words)
    for positions, pes in roles(routers):
        listed = ", ".join(str(pe) for pe in pes[:_SHOWN_PES])
        if len(pes) > _SHOWN_PES:
            listed += f", ... ({len(pes)} PEs)"
        for number, (color, hops) in enumerate(positions):
            shown = "; ".join(f"{i}: {route}" for i, route in enumerate(hops))
            routes.add_row(listed if number == 0 else "", str(color), shown)
    return routes
