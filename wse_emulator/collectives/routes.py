"""The routes of a program, router by router, as an author of CSL kernels writes them by hand.

A router entry says, for one color: which port wavelets come in by, which ports they leave by, and
in which switch position. Within a color the positions follow one another in program order; a
router that passes a message on while its own PE still sends on the same color needs another color,
so a chain alternates between two.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wse_emulator.activities import (
    Activity,
    Chain,
    LineActivity,
    LineMulticast,
    Message,
    Multicast,
    Send,
    Shift,
    Star,
    Work,
    line_wavelets,
)
from wse_emulator.errors import ColorsExhaustedError
from wse_emulator.wafer.spec import WaferSpec

PE = tuple[int, int]
_PORTS = {(0, 1): "EAST", (0, -1): "WEST", (1, 0): "SOUTH", (-1, 0): "NORTH"}
_OPPOSITE = {"EAST": "WEST", "WEST": "EAST", "SOUTH": "NORTH", "NORTH": "SOUTH"}
RAMP = "RAMP"


@dataclass(frozen=True, slots=True)
class Route:
    """What a router does with a message: it comes in by ``rx`` and leaves by each of ``tx``."""

    rx: str
    tx: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rx} -> {'+'.join(self.tx)}"


@dataclass(frozen=True, slots=True)
class RouterColors:
    """The routing of one PE.

    Attributes:
        pe: (row, col).
        positions: color -> routes of its switch positions, in order.
    """

    pe: PE
    positions: tuple[tuple[int, tuple[Route, ...]], ...]


def router_table(activities: Sequence[Activity], spec: WaferSpec) -> tuple[RouterColors, ...]:
    """The colors, routes and switch positions of every router that takes part, in row-major order.

    A color's positions at a router are the distinct consecutive routes it needs there; when a
    message would need more of them than the machine has, it begins the next color.

    Raises:
        ColorsExhaustedError: the program needs more colors than it has.
    """
    tables: dict[int, list[_Table]] = {}
    for strand, routes in _strands(activities):
        colors = tables.setdefault(strand, [defaultdict(list)])
        if not all(_has_room(colors[-1][pe], route, spec) for pe, route in routes.items()):
            colors.append(defaultdict(list))
        for pe, route in routes.items():
            standing = colors[-1][pe]
            if not standing or standing[-1] != route:
                standing.append(route)
    all_colors = [table for strand in sorted(tables) for table in tables[strand]]
    if len(all_colors) > spec.program_colors:
        raise ColorsExhaustedError(
            f"the routes need {len(all_colors)} colors, and {spec.program_colors} of "
            f"{spec.colors} are free on {spec.name} (switch_positions = "
            f"{spec.switch_positions}); use an algorithm with fewer rounds, or fewer PEs"
        )
    places = sorted({pe for table in all_colors for pe, routes in table.items() if routes})
    return tuple(
        RouterColors(
            pe,
            tuple(
                (color, tuple(table[pe])) for color, table in enumerate(all_colors) if table.get(pe)
            ),
        )
        for pe in places
    )


_Table = defaultdict[PE, list[Route]]


def _has_room(standing: list[Route], route: Route, spec: WaferSpec) -> bool:
    return len(standing) < spec.switch_positions or standing[-1] == route


class _Strands:
    """Numbers the strands; a strand is a set of messages that one color can carry in turn.

    Of a chain those from even positions are one, those from odd ones another; the other reductions
    and the multicasts of a channel are one each. Sends repeat (a ring's do), and a shift sends both
    ways, so each of their messages is given the first strand whose routers do the same for it
    already, or nothing yet.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, int], int] = {}
        self._fixed: dict[tuple[str, str, int], dict[PE, Route]] = {}

    def of(self, channel: str, kind: str, number: int) -> int:
        """Number of the strand."""
        return self._numbers.setdefault((channel, kind, number), len(self._numbers))

    def fixed(self, channel: str, routes: dict[PE, Route]) -> int:
        """Number of a strand on which these routes can stand for the whole run."""
        for number in itertools.count():
            standing = self._fixed.setdefault((channel, "send", number), {})
            if all(standing.get(pe, route) == route for pe, route in routes.items()):
                standing.update(routes)
                return self.of(channel, "send", number)
        raise AssertionError("counting has no end")


def _strands(activities: Sequence[Activity]) -> Iterator[tuple[int, dict[PE, Route]]]:
    """Every message as (strand, routes), in the order of the program."""
    strands = _Strands()
    for activity in activities:
        if isinstance(activity, Work):
            continue
        for kind, number, routes in _messages(activity):
            if kind == "send":
                strand = strands.fixed(activity.channel, routes)
            else:
                strand = strands.of(activity.channel, kind, number)
            yield strand, routes


def _messages(activity: Message) -> Iterator[tuple[str, int, dict[PE, Route]]]:
    """(kind, number of the kind, routes) of an activity's messages, in the order of a channel."""
    if isinstance(activity, Chain):
        # a PE of a longer chain receives and sends at once, so neighbours need two colors
        kind = "chain" if activity.group_positions > 2 else "reduce"
        for line, position, sink, source in _chain_messages(activity):
            number = position % 2 if kind == "chain" else 0
            yield kind, number, _path(_on_line(activity, line, source, sink))
    elif isinstance(activity, Star):
        for line in _active_lines(activity):
            for distance in range(1, activity.positions):
                source = activity.root + distance * activity.direction
                yield "reduce", 0, _path(_on_line(activity, line, source, activity.root))
    elif isinstance(activity, Multicast):
        if activity.wavelets and activity.region.pes > 1:
            yield "multicast", 0, _tree(_multicast_links(activity), activity.root)
    elif isinstance(activity, LineMulticast):
        for line in _active_lines(activity):
            links, root = _line_links(activity, line)
            if links:
                yield "multicast", 0, _tree(links, root)
    else:
        for path in _sends(activity):
            yield "send", 0, _path(path)


def _sends(activity: Shift | Send) -> Iterator[list[PE]]:
    """The PEs that each message passes which has one sink and a route of its own."""
    if isinstance(activity, Shift):
        for line in _active_lines(activity):
            for source, sink in activity.moves:
                yield _on_line(activity, line, source, sink)
    elif activity.wavelets and activity.source != activity.sink:
        yield _corner(activity.source, activity.sink)


def _chain_messages(chain: Chain) -> Iterator[tuple[int, int, int, int]]:
    """The messages of a chain as (line, position of the source, sink, source), leaves first."""
    size = chain.group_positions
    for line in _active_lines(chain):
        for start in range(0, chain.positions, size):
            last = min(start + size, chain.positions) - 1
            for position in range(last, start, -1):
                sink = chain.root + (position - 1) * chain.spacing
                yield line, position, sink, sink + chain.spacing


def _active_lines(activity: LineActivity) -> list[int]:
    return [line for line, wavelets in enumerate(line_wavelets(activity)) if wavelets]


def _on_line(activity: LineActivity, line: int, source: int, sink: int) -> list[PE]:
    step = 1 if sink > source else -1
    return [_place(activity, line, position) for position in range(source, sink + step, step)]


def _place(activity: LineActivity, line: int, position: int) -> PE:
    if activity.axis == "row":
        return activity.region.row + line, position
    return position, activity.region.col + line


def _corner(source: PE, sink: PE) -> list[PE]:
    """The way along the row and then along the column."""
    path = [source]
    while path[-1] != sink:
        row, col = path[-1]
        if col != sink[1]:
            path.append((row, col + (1 if sink[1] > col else -1)))
        else:
            path.append((row + (1 if sink[0] > row else -1), col))
    return path


def _path(path: list[PE]) -> dict[PE, Route]:
    return _tree(list(itertools.pairwise(path)), path[0], {path[-1]})


def _multicast_links(multicast: Multicast) -> list[tuple[PE, PE]]:
    region, (root_row, root_col) = multicast.region, multicast.root
    links = []
    for row in range(region.row, region.row_stop):
        if row != root_row:
            back = row - 1 if row > root_row else row + 1
            links.append(((back, root_col), (row, root_col)))
        for col in range(region.col, region.col_stop):
            if col != root_col:
                back = col - 1 if col > root_col else col + 1
                links.append(((row, back), (row, col)))
    return links


def _line_links(activity: LineMulticast, line: int) -> tuple[list[tuple[PE, PE]], PE]:
    region, root = activity.region, activity.root
    first, stop = (
        (region.col, region.col_stop) if activity.axis == "row" else (region.row, region.row_stop)
    )
    links = []
    for position in range(first, stop):
        if position != root:
            back = position - 1 if position > root else position + 1
            links.append((_place(activity, line, back), _place(activity, line, position)))
    return links, _place(activity, line, root)


def _tree(links: list[tuple[PE, PE]], root: PE, sinks: set[PE] | None = None) -> dict[PE, Route]:
    """Routes of a message along directed links; without ``sinks`` all PEs but the root take it."""
    entered: dict[PE, str] = {root: RAMP}
    leaves: defaultdict[PE, list[str]] = defaultdict(list)
    for here, there in links:
        port = _PORTS[there[0] - here[0], there[1] - here[1]]
        leaves[here].append(port)
        entered[there] = _OPPOSITE[port]
    routes = {}
    for pe, rx in entered.items():
        taken = pe != root and (sinks is None or pe in sinks)
        routes[pe] = Route(rx, (*leaves[pe], RAMP) if taken else tuple(leaves[pe]))
    return routes


Positions = tuple[tuple[int, tuple[Route, ...]], ...]


def roles(routers: tuple[RouterColors, ...]) -> list[tuple[Positions, list[tuple[int, int]]]]:
    """The PEs that have the same routes, in groups, in the order of their first PE."""
    grouped: dict[Positions, list[tuple[int, int]]] = {}
    for entry in routers:
        grouped.setdefault(entry.positions, []).append(entry.pe)
    return list(grouped.items())


def routers_document(routers: tuple[RouterColors, ...]) -> list[dict[str, object]]:
    """The routers as JSON holds them: PEs of the same routes, and the positions of each color."""
    return [
        {
            "pes": [list(pe) for pe in pes],
            "colors": [
                {"color": color, "positions": [{"rx": r.rx, "tx": list(r.tx)} for r in routes]}
                for color, routes in positions
            ],
        }
        for positions, pes in roles(routers)
    ]
