"""What ``wse collective`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from wse_emulator.collectives.planner import Candidate
from wse_emulator.collectives.routes import RouterColors, roles
from wse_emulator.questions.collective import Study
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import cycles, plural, seconds, share
from wse_emulator.terminal.say import say, show, table

_SHOWN_PES = 6


def print_study(answer: Study, routers: tuple[RouterColors, ...] | None) -> None:
    """Print cycles and algorithms in words, then the links, and the routers if they are given."""
    say(
        collective_time(answer),
        collective_bounds(answer),
        candidates_words("rows", answer.row_candidates),
        candidates_words("column", answer.column_candidates),
    )
    show(_loads_table(answer))
    if routers is not None:
        show(_routes_table(routers))


@sentence
def collective_time(answer: Study) -> str:
    """What was timed, and how long it takes."""
    request = answer.request
    return (
        f"{request.kind} of {plural(request.wavelets, 'wavelet')} over {request.rows:,} x "
        f"{request.cols:,} PEs of {answer.wafer}: {cycles(answer.cycles)} = "
        f"{seconds(answer.seconds)} ({'; '.join(answer.algorithms)})."
    )


@sentence
def collective_bounds(answer: Study) -> str:
    """The published formula, and the least that any algorithm takes."""
    return (
        f"The published formula gives {cycles(answer.formula_cycles)}; no algorithm takes fewer "
        f"than {answer.least_cycles:,}, by the length of the vector and the distance."
    )


@sentence
def candidates_words(place: str, ranked: Sequence[Candidate]) -> str:
    """The cycles of every algorithm along the rows or the column; empty without a choice."""
    if not ranked:
        return ""
    listed = ", ".join(f"{one.algorithm} {one.cycles:,}" for one in ranked)
    return f"Along the {place} the best is {ranked[0].algorithm}; in cycles: {listed}."


@sentence
def routes_hidden() -> str:
    """Why no routes are listed."""
    return "Routes are not listed for so many PEs; add --routes to see them."


def _loads_table(answer: Study) -> Table:
    headings = ("direction", "links used", "busiest, cycles", "busiest, share", "all, cycles")
    loads = table("Link loads", *headings)
    for load in answer.loads:
        loads.add_row(
            "into PEs" if load.plane == "D" else load.plane,
            f"{load.links:,}",
            f"{load.busiest_cycles:,}",
            share(load.busiest_cycles / answer.cycles),
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
