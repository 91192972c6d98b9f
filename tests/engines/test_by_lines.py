"""One row and one column of a grid tell its time, where all lines do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import (
    Activity,
    Axis,
    Chain,
    LineMulticast,
    Loop,
    Multicast,
    ProgramPart,
    Send,
    Shift,
    Star,
    Work,
    compute,
)
from wse_emulator.engines.alone import run_alone
from wse_emulator.engines.by_lines import run_by_lines
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def grid_case(seed: int) -> tuple[WaferSpec, tuple[ProgramPart, ...]]:
    """A machine, and a program of activities along rows and columns, with loops."""
    draw = Random(seed)
    rows, cols = draw.randint(1, 6), draw.randint(1, 6)
    grid = Region(draw.randint(0, 1), draw.randint(0, 1), rows, cols)
    spec = machine(
        rows=rows + 2,
        cols=cols + 1,
        hop_cycles=draw.randint(1, 2),
        ramp_cycles=draw.randint(0, 3),
        touch_cycles=draw.choice((1, 1, 2)),
        cycles_per_wavelet=draw.choice((Fraction(1), Fraction(9, 8))),
        queue_depth_wavelets=draw.randint(0, 6),
    )
    parts: list[ProgramPart] = [_activity(draw, grid) for _ in range(draw.randint(1, 5))]
    parts.append(Loop(tuple(_activity(draw, grid) for _ in range(draw.randint(1, 4))), 5))
    draw.shuffle(parts)
    return spec, (compute("load", grid, draw.randint(1, 9)), *parts)


def _activity(draw: Random, grid: Region) -> Activity:
    axis: Axis = draw.choice(("row", "column"))
    first, length = (grid.col, grid.cols) if axis == "row" else (grid.row, grid.rows)
    root = draw.randrange(length)
    sign = draw.choice((1, -1))
    reach = length - 1 - root if sign > 0 else root
    wavelets = draw.choice((1, 3, 8, 30))
    match draw.randrange(6):
        case 0:
            return compute("work", grid, draw.choice((1, 20, 90)))
        case 1:
            part = (
                replace(grid, col=first + root, cols=1)
                if axis == "row"
                else replace(grid, row=first + root, rows=1)
            )
            return compute("root", part, 25)
        case 2:
            return Shift("shift", grid, axis, wavelets, "a")
        case 3:
            return LineMulticast("multicast", grid, axis, first + root, wavelets, "a")
        case 4:
            spacing = draw.randint(1, max(1, min(reach, 2)))
            positions, group = reach // spacing + 1, draw.choice((None, 2))
            return Chain(
                name="chain",
                region=grid,
                axis=axis,
                root=first + root,
                spacing=sign * spacing,
                positions=positions,
                wavelets=wavelets,
                channel="a",
                group=group,
                software=draw.random() < 0.5,
            )
    return Star("star", grid, axis, first + root, sign, reach + 1, wavelets, "a")


@pytest.mark.parametrize("engine", ["array", "pe"])
def test_two_lines_take_as_long_as_the_grid(engine: str) -> None:
    refused = 0
    for seed in range(150):
        spec, program = grid_case(seed)
        whole = run_alone(program, spec, engine=engine).elapsed_cycles
        lines = cycles_by_lines(program, spec, engine)
        assert lines in (whole, None), seed
        refused += lines is None
    assert refused < 15


def cycles_by_lines(program: Sequence[ProgramPart], spec: WaferSpec, engine: str) -> int | None:
    """None where lines may differ."""
    try:
        return run_by_lines(program, spec, engine=engine)
    except ValueError:
        return None


GRID = Region(0, 0, 3, 3)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ([Multicast("m", GRID, (0, 0), 3, "a")], "does not run along the lines"),
        ([Send("s", (0, 0), (0, 2), 3, "a")], "does not run along the lines"),
        ([Shift("s", GRID, "row", (1, 2, 3), "a")], "is not the same in every line"),
        (
            [Shift("s", GRID, "row", 1, "a"), Shift("t", GRID, "column", 1, "b")],
            "2 channels can meet on the ramp",
        ),
        (
            [Shift("s", GRID, "row", 1, "a"), Shift("t", Region(0, 0, 2, 3), "row", 1, "a")],
            "'t' is not the same in every line",
        ),
        (
            [compute("w", GRID, 3), compute("v", Region(1, 1, 1, 1), 3)],
            "'v' is not the same in every line",
        ),
        (
            [Work("w", GRID, compute("", GRID, 3).chains, ((4, 0), (5, -1)))],
            "'w' is not the same in every line",
        ),
    ],
)
def test_what_differs_from_line_to_line_is_refused(program: list[ProgramPart], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        run_by_lines(program, machine(rows=3, cols=3))


def test_lines_that_go_on_at_different_times_may_not_meet_a_message_of_before() -> None:
    """PEs 1 and 2 pass the message of PE 0 on without taking it, and use the link behind it.

    In a row that the columns hold up, the link is free again when PE 1 sends.
    """
    grid = Region(0, 0, 2, 4)
    program: list[ProgramPart] = [
        Chain("far", grid, "row", 3, -3, 2, 60, "a"),
        Chain("down", grid, "column", 1, -1, 2, 5, "a"),
        Chain("near", grid, "row", 2, -1, 2, 5, "a"),
    ]
    with pytest.raises(ValueError, match="waits for one from before"):
        run_by_lines(program, machine(rows=2, cols=4))


def test_a_program_of_loops_over_both_axes() -> None:
    grid = Region(0, 0, 5, 7)

    def steps(inner: Callable[[], tuple[ProgramPart, ...]]) -> Loop:
        return Loop((*inner(), Loop((compute("multiply", grid, 11), *inner()), 3)), 4)

    program = [
        steps(lambda: (Shift("left", grid, "row", 9, "a"), Shift("right", grid, "column", 5, "a")))
    ]
    spec = machine(rows=5, cols=7)
    assert run_by_lines(program, spec) == run_alone(program, spec).elapsed_cycles
    assert run_by_lines([], spec) == 0
