"""The time of a whole grid from one of its rows and one of its columns [9.1].

In a program whose activities run along rows or along columns, alike in every line, the cycle in
which PE (r, c) is released from an activity is f(c) + g(r): an activity along the rows changes f
alone, one along the columns g alone. A grid of 720 x 720 PEs is then simulated exactly on 720 and
720 of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from wse_emulator.activities import (
    Activity,
    Axis,
    LineActivity,
    Loop,
    Multicast,
    OpChain,
    ProgramPart,
    Send,
    VectorOp,
    Work,
    leaves,
)
from wse_emulator.engines import simulate
from wse_emulator.engines.alone import most_cycles
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def run_by_lines(program: Sequence[ProgramPart], spec: WaferSpec, *, engine: str = "array") -> int:
    """The cycles of a program on a grid, from one row and one column of the grid.

    All messages have to be of one channel and run along rows or along columns, alike in every row
    or column of the grid. Work has to be the same on all PEs of its region, which has to cover
    whole rows or whole columns of the grid.

    Args:
        program: activities and loops in order, inside the wafer.
        spec: the machine.
        engine: as in :func:`wse_emulator.engines.simulate`.

    Returns:
        The cycle in which the last PE of the grid is released, as the whole grid would give it.

    Raises:
        ValueError: the program is not of this form, or a message waits for one that was sent
            before an activity along the other axis, so that rows may differ.

    Example:
        >>> from wse_emulator.activities import LineMulticast, Loop, compute
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> grid = Region(0, 0, 4, 6)
        >>> step = Loop(
        ...     (
        ...         LineMulticast("left", grid, "row", 2, 8, "panels"),
        ...         LineMulticast("right", grid, "column", 3, 8, "panels"),
        ...         compute("multiply", grid, 30),
        ...     ),
        ...     times=3,
        ... )
        >>> run_by_lines([step], WSE2), run_alone([step], WSE2).elapsed_cycles
        (154, 154)
    """
    grid = _grid(program)
    return sum(_line_cycles(program, grid, axis, spec, engine) for axis in ("row", "column"))


def _grid(program: Sequence[ProgramPart]) -> Region:
    """The smallest rectangle that holds the program; checks that messages share a channel."""
    activities = [activity for activity, _ in leaves(program)]
    channels = {activity.channel for activity in activities if not isinstance(activity, Work)}
    if len(channels) > 1:
        raise ValueError(f"messages of {len(channels)} channels can meet on the ramp of a PE")
    regions = [activity.region for activity in activities] or [Region(0, 0, 1, 1)]
    row, col = min(r.row for r in regions), min(r.col for r in regions)
    rows = max(r.row_stop for r in regions) - row
    return Region(row, col, rows, max(r.col_stop for r in regions) - col)


def _line_cycles(
    program: Sequence[ProgramPart], grid: Region, axis: Axis, spec: WaferSpec, engine: str
) -> int:
    """The last release in one line; the other axis changes nothing but when the line goes on."""
    pause = 1 + most_cycles(program, spec)
    if any(isinstance(part, Loop) for part in program):
        # passes of a loop are equal, and jumped over, if all lines wait equally long
        at_once, paused = (
            _released(program, grid, axis, (cycles,), spec, engine)[0] for cycles in (0, pause)
        )
    else:
        at_once, paused = _released(program, grid, axis, (0, pause), spec, engine)
    if (paused != at_once).any():
        raise ValueError(
            f"a message along the {axis}s waits for one from before an activity along the other "
            "axis, so the lines of the grid may differ"
        )
    return int(at_once.max())


def _released(
    program: Sequence[ProgramPart],
    grid: Region,
    axis: Axis,
    pauses: tuple[int, ...],
    spec: WaferSpec,
    engine: str,
) -> IntArray:
    """Releases in some lines side by side, which have pauses in place of the other axis.

    Returns:
        (lines, positions) cycles, less the pauses.
    """
    lines, row = len(pauses), axis == "row"
    region = Region(0, grid.col, lines, grid.cols) if row else Region(grid.row, 0, grid.rows, lines)
    machine = replace(
        spec,
        rows=lines if row else spec.rows,
        cols=spec.cols if row else lines,
        fabric_rows=0,
        fabric_cols=0,
    )
    chains = tuple(OpChain((VectorOp(op=0, strip_cycles=cycles),)) for cycles in pauses)
    of_each = tuple((1, line) for line in range(lines))
    runs = tuple((grid.cols, line) for line in range(lines)) if row else of_each * grid.rows
    pause = Work("pause", region, chains, runs)
    parts = tuple(_on_lines(program, grid, axis, pause))
    resident = np.zeros((machine.rows, machine.cols), np.int64)
    timing = simulate(engine, machine, parts, resident_bytes=resident, op_count=1, over_time=False)
    rows, cols = region.slices
    final = timing.pe_final[rows, cols] if row else timing.pe_final[rows, cols].T
    paused = sum(times for part, times in leaves(parts) if part is pause)
    return final - paused * np.array(pauses, np.int64)[:, None]


def _on_lines(
    program: Sequence[ProgramPart], grid: Region, axis: Axis, pause: Work
) -> Iterator[ProgramPart]:
    """What lines do, with a pause in place of everything that the other axis does."""
    paused = False
    for part in program:
        if isinstance(part, Loop):
            body = tuple(_on_lines(part.body, grid, axis, pause))
            own = any(activity is not pause for activity, _ in leaves(body))
            found: ProgramPart | None = replace(part, body=body) if own else None
        else:
            found = _activity_on_lines(part, grid, axis, pause.region)
        if found is not None:
            yield found
            paused = False
        elif not paused:
            yield pause
            paused = True


def _activity_on_lines(
    activity: Activity, grid: Region, axis: Axis, lines: Region
) -> Activity | None:
    """An activity as some lines see it; None if it is one of the other axis."""
    if isinstance(activity, (Multicast, Send)):
        raise ValueError(f"activity {activity.name!r} does not run along the lines of the grid")
    if _axis_of(activity, grid) != axis:
        return None
    region = (
        replace(activity.region, row=lines.row, rows=lines.rows)
        if axis == "row"
        else replace(activity.region, col=lines.col, cols=lines.cols)
    )
    if isinstance(activity, Work):
        return replace(activity, region=region, runs=((region.pes, activity.runs[0][1]),))
    return replace(activity, region=region)


def _axis_of(activity: Work | LineActivity, grid: Region) -> Axis:
    """Which of f and g the activity changes; work that is the same everywhere counts for rows."""
    region = activity.region
    whole: dict[Axis, bool] = {
        "row": (region.row, region.rows) == (grid.row, grid.rows),
        "column": (region.col, region.cols) == (grid.col, grid.cols),
    }
    if isinstance(activity, Work):
        if len({chain for pes, chain in activity.runs if pes}) > 1 or not any(whole.values()):
            raise ValueError(f"activity {activity.name!r} is not the same in every line")
        return "row" if whole["row"] else "column"
    if not whole[activity.axis] or not isinstance(activity.wavelets, int):
        raise ValueError(f"activity {activity.name!r} is not the same in every line")
    return activity.axis
