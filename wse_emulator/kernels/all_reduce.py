"""All-reduce of a number, as the vendor's kernels do it: a star into the centre, and back.

Every PE sends its number straight to the centre of its line, which takes one wavelet a cycle; the
result returns by a multicast. A line of P PEs takes P - 1 cycles to take all numbers in and P/2
hops to send the result out, with two ramps and a fixed start that nothing explains
(``kernels.star_start``).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Final

from wse_emulator.activities import (
    Activity,
    Axis,
    Multicast,
    OpChain,
    Send,
    Star,
    VectorOp,
    Work,
)
from wse_emulator.collectives import (
    LineAlgorithm,
    LineSet,
    all_reduce_lines,
    reduce_2d,
    reduce_lines,
    root_of,
)
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

STAR: Final = LineAlgorithm("star")
CHANNEL: Final = "all-reduce"
"""Route set of the all-reduce, unless the caller names another."""


def all_reduce_in_lines(
    region: Region,
    spec: WaferSpec,
    *,
    axis: Axis = "row",
    wavelets: int = 1,
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """Combine a number of every PE along each line, and give the result to all PEs of the line.

    Sum and maximum take the same time. A line of one PE has nothing to exchange.

    Args:
        region: the lines.
        spec: the machine.
        axis: how the lines run.
        wavelets: length of what is combined; 1 for a number.
        channel: route set.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(all_reduce_in_lines(Region(0, 0, 1, 39), WSE2), WSE2).elapsed_cycles
        162
    """
    if (region.cols if axis == "row" else region.rows) == 1:
        return ()
    row, col = root_of(region, "centre")
    lines = LineSet(
        name="all-reduce",
        region=region,
        axis=axis,
        root=col if axis == "row" else row,
        wavelets=wavelets,
        channel=channel,
    )
    start = start_of_collective("all-reduce", region, spec.kernels.star_start)
    return (start, *all_reduce_lines(lines, spec, algorithm=STAR))


def rectangle_maximum(
    region: Region, spec: WaferSpec, *, wavelets: int = 1, channel: str = CHANNEL
) -> tuple[Activity, ...]:
    """The maximum over a rectangle, which all its PEs get: stars along the rows, a star along the
    centre column, one multicast back.

    Args:
        region: the PEs.
        spec: the machine.
        wavelets: length of what is compared; 1 for a number.
        channel: route set.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(rectangle_maximum(Region(0, 0, 193, 7), WSE2), WSE2).elapsed_cycles
        408
    """
    if region.pes == 1:
        return ()
    root = root_of(region, "centre")
    return (
        start_of_collective("maximum", region, spec.kernels.star_start),
        *reduce_2d(
            region,
            root,
            wavelets,
            spec,
            name="maximum",
            channel=channel,
            row_algorithm=STAR,
            column_algorithm=STAR,
        ),
        Multicast("maximum", region, root, wavelets, channel),
    )


def rectangle_sum(
    region: Region,
    spec: WaferSpec,
    *,
    name: str = "sum",
    wavelets: int = 1,
    channel: str = CHANNEL,
    tensor: int | None = None,
    op: int = 0,
) -> tuple[Activity, ...]:
    """The sum over a rectangle, which all its PEs get, with the two sides of the longer axis at
    once.

    :func:`sum_to_centre`, and the sum returns by a multicast.

    Args:
        region, spec, name, wavelets, channel, tensor, op: as in :func:`sum_to_centre`.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> run_alone(rectangle_sum(Region(0, 0, 147, 5), WSE2), WSE2).elapsed_cycles
        250
    """
    if region.pes == 1:
        return ()
    summed = sum_to_centre(
        region,
        spec,
        name=name,
        wavelets=wavelets,
        channel=channel,
        tensor=tensor,
        op=op,
    )
    return (*summed, Multicast(name, region, root_of(region, "centre"), wavelets, channel, tensor))


def sum_to_centre(
    region: Region,
    spec: WaferSpec,
    *,
    name: str = "sum",
    wavelets: int = 1,
    channel: str = CHANNEL,
    tensor: int | None = None,
    op: int = 0,
) -> tuple[Activity, ...]:
    """The sum over a rectangle, which the PE at its centre gets.

    Stars along the short lines; then each half of the long line in the middle goes to a root of
    its own, at the same time, and one root sends to the other. A rectangle of one line is one
    star, as a line of a larger one.

    One record gave the fixed part (``kernels.rectangle_sum_start``). It cannot tell this program
    from others that grow by about a cycle a row.

    Args:
        region: the PEs.
        spec: the machine.
        name: what the trace shows.
        wavelets: length of what is summed; 1 for a number.
        channel: route set.
        tensor: index of the parameter, or None.
        op: op of the program that the start counts to.
    """
    if region.pes == 1:
        return ()
    row, col = root_of(region, "centre")
    down = region.rows >= region.cols
    short: Axis = "row" if down else "column"
    long: Axis = "column" if down else "row"
    root = row if down else col
    first = region.row if down else region.col
    length = region.rows if down else region.cols
    one_line = min(region.rows, region.cols) == 1
    axis = long if one_line else short
    lines = LineSet(
        name=name,
        region=region,
        axis=axis,
        root=col if axis == "row" else row,
        wavelets=wavelets,
        channel=channel,
        tensor=tensor,
    )
    if one_line:
        start = start_of_collective(name, region, spec.kernels.star_start, tensor, op)
        return (start, *reduce_lines(lines, STAR))
    middle = (
        Region(region.row, col, region.rows, 1) if down else Region(row, region.col, 1, region.cols)
    )
    sides = ((root - 1, -1, root - first), (root, 1, first + length - root))
    halves = tuple(
        Star(name, middle, long, place, direction, positions, wavelets, channel, tensor)
        for place, direction, positions in sides
    )
    neighbour = (row - 1, col) if down else (row, col - 1)
    return (
        start_of_collective(name, region, spec.kernels.rectangle_sum_start, tensor, op),
        *reduce_lines(lines, STAR),
        *halves,
        Send(name, neighbour, (row, col), wavelets, channel, tensor),
    )


def start_of_collective(
    name: str, region: Region, cycles: Fraction, tensor: int | None = None, op: int = 0
) -> Work:
    """The fixed start of a collective, on every PE of its region.

    Args:
        name: what the trace shows.
        region: the PEs.
        cycles: of each of them; a fraction is rounded up.
        tensor: index of the parameter, or None.
        op: op of the program that it counts to.
    """
    chain = OpChain((VectorOp(op=op, strip_cycles=ceil(cycles), once=True),))
    runs = ((region.pes, 0),)
    return Work(name, region, (chain,), runs, tensor, begins_collective=True)
