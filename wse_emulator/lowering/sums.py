"""Sums of single numbers over PEs: by a star as in the vendor's kernels, or as the planner chooses.

The vendor's kernels sum a number of every PE by sending all of them straight to the middle, which
was seen on lines of up to ``star_line_pes`` PEs. Longer lines are summed by the algorithm with the
fewest cycles: over a whole wafer the measured sum is quicker than a star. Statistics of rows and
columns are vectors, which the planner's algorithms sum on lines of any length.
"""

from __future__ import annotations

from wse_emulator.activities import Activity, Multicast
from wse_emulator.collectives import LineSet, all_reduce_lines, reduce_2d, root_of
from wse_emulator.kernels.all_reduce import STAR, start_of_collective, sum_to_centre
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def sum_of_region(
    region: Region,
    wavelets: int,
    spec: WaferSpec,
    *,
    name: str,
    channel: str,
    op: int,
    tensor: int | None = None,
) -> tuple[Activity, ...]:
    """What each PE of a rectangle has, summed at the PE in its centre.

    Args:
        region: the PEs.
        wavelets: of the numbers that are summed; 1 for one of at most 32 bits.
        spec: the machine.
        name, channel, tensor: passed to the activities.
        op: op of the program that waits for the sum; a fixed start counts to it.
    """
    if max(region.rows, region.cols) <= spec.star_line_pes:
        return sum_to_centre(
            region, spec, name=name, wavelets=wavelets, channel=channel, tensor=tensor, op=op
        )
    centre = root_of(region, "centre")
    return reduce_2d(region, centre, wavelets, spec, name=name, channel=channel, tensor=tensor)


def sum_for_region(
    region: Region,
    wavelets: int,
    spec: WaferSpec,
    *,
    name: str,
    channel: str,
    op: int,
    tensor: int | None = None,
) -> tuple[Activity, ...]:
    """The same, and every PE of the rectangle gets the sum.

    Args:
        region, wavelets, spec, name, channel, op, tensor: as in :func:`sum_of_region`.
    """
    summed = sum_of_region(region, wavelets, spec, name=name, channel=channel, op=op, tensor=tensor)
    return (*summed, Multicast(name, region, root_of(region, "centre"), wavelets, channel, tensor))


def sum_in_lines(lines: LineSet, spec: WaferSpec, *, op: int) -> tuple[Activity, ...]:
    """What the PEs of each line have, summed along the line; every PE of the line gets the sum.

    Args:
        lines: the lines, each with its number of wavelets.
        spec: the machine.
        op: as in :func:`sum_of_region`.
    """
    length = lines.stop - lines.first
    if length == 1 or length > spec.star_line_pes:
        return all_reduce_lines(lines, spec)
    start = start_of_collective(lines.name, lines.region, spec.kernels.star_start, lines.tensor, op)
    return (start, *all_reduce_lines(lines, spec, algorithm=STAR))
