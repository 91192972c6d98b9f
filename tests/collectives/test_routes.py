"""Router tables: in one switch position of a color a router does one thing, and paths connect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from wse_emulator.activities import Activity, Shift
from wse_emulator.collectives import (
    LineAlgorithm,
    LineSet,
    all_reduce_2d,
    reduce_lines,
    ring_all_reduce,
)
from wse_emulator.collectives.routes import Route, router_table
from wse_emulator.errors import ColorsExhaustedError
from wse_emulator.wafer import WSE2, Region, WaferSpec


def line(pes: int, algorithm: LineAlgorithm) -> tuple[Activity, ...]:
    lines = LineSet(
        name="sum", region=Region(0, 0, 1, pes), axis="row", root=0, wavelets=4, channel="sum"
    )
    return reduce_lines(lines, algorithm)


def test_a_chain_alternates_two_colors() -> None:
    table = router_table(line(4, LineAlgorithm("chain")), WSE2)
    leaf, inner, root = table[3], table[2], table[0]
    assert len(leaf.positions) == 1
    assert leaf.positions[0][1] == (Route("RAMP", ("WEST",)),)
    routes = {route for _, positions in inner.positions for route in positions}
    assert routes == {Route("EAST", ("RAMP",)), Route("RAMP", ("WEST",))}
    assert len({color for color, _ in inner.positions}) == 2
    assert root.positions[0][1] == (Route("EAST", ("RAMP",)),)


def test_a_star_sends_its_own_first_and_then_passes_others_on() -> None:
    table = router_table(line(4, LineAlgorithm("star")), WSE2)
    assert table[1].positions == ((0, (Route("RAMP", ("WEST",)), Route("EAST", ("WEST",)))),)
    assert table[0].positions == ((0, (Route("EAST", ("RAMP",)),)),)


def test_rounds_beyond_the_switch_positions_take_further_colors() -> None:
    assert colors_used(line(64, LineAlgorithm("tree")), WSE2) == 1
    narrow = replace(WSE2, switch_positions=2)
    assert colors_used(line(64, LineAlgorithm("tree")), narrow) > 1
    check_connected(line(64, LineAlgorithm("tree")), narrow)


def test_running_out_of_colors_is_an_error() -> None:
    machine = replace(WSE2, colors=2, reserved_colors=1, switch_positions=1)
    with pytest.raises(ColorsExhaustedError, match="colors"):
        router_table(line(64, LineAlgorithm("tree")), machine)


def colors_used(activities: Sequence[Activity], spec: WaferSpec) -> int:
    table = router_table(activities, spec)
    assert all(len(routes) <= spec.switch_positions for pe in table for _, routes in pe.positions)
    return len({color for pe in table for color, _ in pe.positions})


def check_connected(activities: Sequence[Activity], spec: WaferSpec = WSE2) -> None:
    """Every port a router sends by is a port its neighbour takes in on the same color."""
    back = {"EAST": "WEST", "WEST": "EAST", "SOUTH": "NORTH", "NORTH": "SOUTH"}
    step = {"EAST": (0, 1), "WEST": (0, -1), "SOUTH": (1, 0), "NORTH": (-1, 0)}
    table = {entry.pe: entry for entry in router_table(activities, spec)}
    for (row, col), entry in table.items():
        for color, routes in entry.positions:
            for port in {port for route in routes for port in route.tx} - {"RAMP"}:
                there = table[row + step[port][0], col + step[port][1]]
                taken = {r.rx for c, rs in there.positions if c == color for r in rs}
                assert back[port] in taken


def test_paths_connect() -> None:
    region = Region(0, 0, 5, 6)
    check_connected(all_reduce_2d(region, (2, 3), 1, WSE2, name="norm", channel="norm"))
    check_connected(ring_all_reduce(Region(0, 0, 1, 6), 12, name="ring", channel="ring"))
    check_connected([Shift("shift", Region(0, 0, 2, 7), "row", 3, "a")])


@pytest.mark.parametrize("pes", range(3, 9))
def test_a_shift_keeps_its_routes_for_the_whole_run(pes: int) -> None:
    """Every PE sends in each step, so no router waits for a switch."""
    shift = Shift("shift", Region(0, 0, pes, 1), "column", 3, "a")
    table = router_table([shift, shift], WSE2)
    assert all(len(routes) == 1 for entry in table for _, routes in entry.positions)
    assert colors_used([shift, shift], WSE2) <= 4
