"""Collectives over a rectangle, composed of reductions along lines, multicasts and sends.

Rows are reduced to the root's column, then that column to the root; a result travels back by one
multicast. Every function returns activities in program order for the engines.
"""

from __future__ import annotations

from typing import Literal

from wse_emulator.activities import Activity, Axis, LineMulticast, Multicast, Send, ring_order
from wse_emulator.collectives.algorithms import LineAlgorithm, LineSet, reduce_lines
from wse_emulator.collectives.planner import cheapest
from wse_emulator.errors import CollectiveError
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

RootPlace = Literal["centre", "edge"]


def root_of(region: Region, place: RootPlace) -> tuple[int, int]:
    """The (row, col) of the root: the PE at the centre, or the one in the upper left corner.

    Raises:
        CollectiveError: ``place`` is another word.
    """
    if place == "edge":
        return region.row, region.col
    if place == "centre":
        return region.row + region.rows // 2, region.col + region.cols // 2
    raise CollectiveError(f"no root at {place!r}; one of centre, edge")


def line_arms(first: int, stop: int, root: int) -> tuple[int, int]:
    """PEs on each side of a root, the root counted in each; the lower side first."""
    return root - first + 1, stop - root


def reduce_2d(
    region: Region,
    root: tuple[int, int],
    wavelets: int,
    spec: WaferSpec,
    *,
    name: str,
    channel: str,
    row_algorithm: LineAlgorithm | None = None,
    column_algorithm: LineAlgorithm | None = None,
    tensor: int | None = None,
) -> tuple[Activity, ...]:
    """Sum a vector over a rectangle: every row to the root's column, then that column.

    Args:
        region: the PEs; 1 x n and n x 1 are lines.
        root: (row, col) of the PE that gets the sum.
        wavelets: length of the vector.
        spec: the machine, by which the planner chooses where no algorithm is given.
        name, channel, tensor: passed to the activities.
        row_algorithm, column_algorithm: None for the quickest.

    Raises:
        CollectiveError: the root lies outside the region.
    """
    along_rows, down_column = reduction_lines(
        region, root, wavelets, name=name, channel=channel, tensor=tensor
    )
    return (
        *reduce_lines(along_rows, row_algorithm or choose(along_rows, spec)),
        *reduce_lines(down_column, column_algorithm or choose(down_column, spec)),
    )


def reduction_lines(
    region: Region,
    root: tuple[int, int],
    wavelets: int,
    *,
    name: str,
    channel: str,
    tensor: int | None = None,
) -> tuple[LineSet, LineSet]:
    """The lines of the two halves of a reduction over a rectangle: all rows, the root's column."""
    along_rows = LineSet(
        name=name,
        region=region,
        axis="row",
        root=root[1],
        wavelets=wavelets,
        channel=channel,
        tensor=tensor,
    )
    down_column = LineSet(
        name=name,
        region=Region(region.row, root[1], region.rows, 1),
        axis="column",
        root=root[0],
        wavelets=wavelets,
        channel=channel,
        tensor=tensor,
    )
    return along_rows, down_column


def choose(lines: LineSet, spec: WaferSpec) -> LineAlgorithm:
    """The quickest algorithm for a set of lines, judged by its longest vector."""
    longest = max(lines.wavelets) if isinstance(lines.wavelets, tuple) else lines.wavelets
    arms = tuple(positions for _, positions in lines.arms)
    return cheapest(arms, longest, spec).algorithm


def all_reduce_2d(
    region: Region,
    root: tuple[int, int],
    wavelets: int,
    spec: WaferSpec,
    *,
    name: str,
    channel: str,
    row_algorithm: LineAlgorithm | None = None,
    column_algorithm: LineAlgorithm | None = None,
    tensor: int | None = None,
) -> tuple[Activity, ...]:
    """Sum a vector over a rectangle and send the result back to all PEs.

    Args:
        region, root, wavelets, spec, name, channel, row_algorithm, column_algorithm, tensor: as
            in :func:`reduce_2d`.
    """
    back = Multicast(
        name=name,
        region=region,
        root=root,
        wavelets=wavelets,
        channel=channel,
        tensor=tensor,
    )
    summed = reduce_2d(
        region,
        root,
        wavelets,
        spec,
        name=name,
        channel=channel,
        row_algorithm=row_algorithm,
        column_algorithm=column_algorithm,
        tensor=tensor,
    )
    return (*summed, back)


def all_reduce_lines(
    lines: LineSet,
    spec: WaferSpec,
    *,
    algorithm: LineAlgorithm | None = None,
) -> tuple[Activity, ...]:
    """Sum along each line of a rectangle and give each line's sum to all PEs of the line.

    A factored second moment needs this for its row means (axis "row") and its column means (axis
    "column"). Each line has a vector of its own length.
    """
    summed = reduce_lines(lines, algorithm or choose(lines, spec))
    return (*summed, multicast_along_lines(lines))


def multicast_along_lines(lines: LineSet) -> LineMulticast:
    """What the root of each line has, to all PEs of the line."""
    return LineMulticast(
        name=lines.name,
        region=lines.region,
        axis=lines.axis,
        root=lines.root,
        wavelets=lines.wavelets,
        channel=lines.channel,
        tensor=lines.tensor,
    )


def ring_chunks(wavelets: int, positions: int) -> tuple[int, ...]:
    """The lengths of the pieces into which a ring cuts a vector, one for each PE."""
    whole, rest = divmod(wavelets, positions)
    return tuple(whole + (piece < rest) for piece in range(positions))


def ring_all_reduce(
    region: Region, wavelets: int, *, name: str, channel: str, tensor: int | None = None
) -> tuple[Send, ...]:
    """All-reduce along a line by a ring: each PE passes pieces of the vector to its neighbour.

    P - 1 rounds add, P - 1 rounds hand the finished pieces on. In a round every other PE sends
    while its neighbour takes, then they change places: if all sent first, each would hold the one
    before it until the whole ring had come round.

    Raises:
        CollectiveError: the region is not one row or one column.
    """
    axis = line_axis(region)
    positions = region.pes
    order = ring_order(positions)
    places = [
        (region.row, region.col + k) if axis == "row" else (region.row + k, region.col)
        for k in order
    ]
    chunks = ring_chunks(wavelets, positions)
    sends = []
    for step in range(2 * (positions - 1)):
        for member in (*range(0, positions, 2), *range(1, positions, 2)):
            # adding rounds pass on the piece taken last; handing rounds go on in the same way
            piece = (member - step) % positions
            sends.append(
                Send(
                    name=name,
                    source=places[member],
                    sink=places[(member + 1) % positions],
                    wavelets=chunks[piece],
                    channel=channel,
                    tensor=tensor,
                )
            )
    return tuple(sends)


def line_axis(region: Region) -> Axis:
    """The axis of a region that is one row or one column.

    Raises:
        CollectiveError: it has several rows and several columns.
    """
    if region.rows == 1:
        return "row"
    if region.cols == 1:
        return "column"
    raise CollectiveError(
        f"region {region.as_list()} is no line; give one row or one column of PEs"
    )
