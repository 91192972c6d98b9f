"""All-reduce along lines in software, over groups of neighbours first and then over the groups.

In each group chains from both sides meet at the group's middle; chains over the middles meet at
the middle of the line; the result returns by a multicast. Each stage is a task on its PE. Every
PE starts one vector instruction for each of these streams, which loads its descriptors. The
program: MeshInfra/WaferLLM@2cd13b5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wse_emulator.activities import Activity, Axis, Chain, LineMulticast, compute
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "grouped all-reduce"
"""Route set, unless the caller names another."""


@dataclass(frozen=True, slots=True)
class LineGroups:
    """How a line is cut into groups: their first position, middle and last position.

    Attributes:
        groups: (first, middle, last) of each.
    """

    groups: tuple[tuple[int, int, int], ...]

    @property
    def root(self) -> int:
        """The middle of the middle group."""
        return self.groups[len(self.groups) // 2][1]


def grouping(pes: int, group: int) -> LineGroups:
    """Cut a line into groups of ``group`` PEs whose middles are equally far apart.

    What is left behind the last middle belongs to the last group; a line shorter than a group is
    one group.

    Example:
        >>> grouping(8, 3).groups, grouping(8, 3).root
        (((0, 1, 2), (3, 4, 5), (6, 7, 7)), 4)
    """
    group = min(group, pes)
    middles = range(group // 2, pes, group)
    lasts = [middle - group // 2 + group - 1 for middle in middles[:-1]] + [pes - 1]
    firsts = [0, *(last + 1 for last in lasts[:-1])]
    return LineGroups(tuple(zip(firsts, middles, lasts, strict=True)))


def usual_group(pes: int) -> int:
    """The PEs of a group where nothing says how many: the number of groups is the divisor of
    ``pes`` nearest to its root, the smaller of two.

    Example:
        >>> usual_group(750)
        30
    """
    divisors = [n for n in range(1, pes + 1) if pes % n == 0]
    return pes // min(divisors, key=lambda n: abs(n - pes**0.5))


def grouped_all_reduce(
    region: Region,
    axis: Axis,
    wavelets: int,
    group: int,
    spec: WaferSpec,
    *,
    both_ways: bool,
    channel: str = CHANNEL,
) -> tuple[Activity, ...]:
    """Sum a vector over the PEs of each line, and give the sum to all of them.

    Args:
        region: the lines.
        axis: how they run.
        wavelets: length of the vector.
        group: PEs of a group.
        spec: the machine.
        both_ways: whether the root sends the result to both sides at once; else it sends to the
            nearer end first, in two messages.
        channel: route set.

    Raises:
        ValueError: groups of less than one PE.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> line = Region(0, 0, 1, 60)
        >>> program = grouped_all_reduce(line, "row", 4, 12, WSE2, both_ways=False)
        >>> run_alone(program, WSE2).elapsed_cycles
        273
    """
    if group < 1:
        raise ValueError(f"groups of {group} PEs")
    first, pes = (region.col, region.cols) if axis == "row" else (region.row, region.rows)
    cut = grouping(pes, group)
    streams = [
        *_chains_in_groups(first, cut),
        *_chains_over_middles(first, cut, group),
    ]
    launch = compute("launch", region, spec.launch_cycles)
    parts: list[Activity] = []
    for arms in streams:
        if arms:
            parts.append(launch)
        parts += [
            Chain(
                name="sum",
                region=region,
                axis=axis,
                root=root,
                spacing=spacing,
                positions=positions,
                wavelets=wavelets,
                channel=channel,
                software=True,
            )
            for root, spacing, positions in arms
        ]
    root = first + cut.root
    for part in _sides(region, axis, root, both_ways):
        parts += [launch, LineMulticast("sum", part, axis, root, wavelets, channel)]
    return tuple(parts)


_Arm = tuple[int, int, int]
"""Root, spacing and positions of a chain."""


def _chains_in_groups(first: int, cut: LineGroups) -> Iterator[list[_Arm]]:
    yield [
        (first + middle, -1, middle - begin + 1)
        for begin, middle, _ in cut.groups
        if middle > begin
    ]
    yield [
        (first + middle, 1, last - middle + 1) for _, middle, last in cut.groups if last > middle
    ]


def _chains_over_middles(first: int, cut: LineGroups, group: int) -> Iterator[list[_Arm]]:
    before = len(cut.groups) // 2
    after = len(cut.groups) - 1 - before
    for spacing, others in ((-group, before), (group, after)):
        yield [(first + cut.root, spacing, others + 1)] if others else []


def _sides(region: Region, axis: Axis, root: int, both_ways: bool) -> list[Region]:
    """The parts of the lines that take the result in one message each, the nearer one first."""
    if both_ways:
        return [region] if (region.cols if axis == "row" else region.rows) > 1 else []
    if axis == "row":
        low = Region(region.row, region.col, region.rows, root - region.col + 1)
        high = Region(region.row, root, region.rows, region.col_stop - root)
    else:
        low = Region(region.row, region.col, root - region.row + 1, region.cols)
        high = Region(root, region.col, region.row_stop - root, region.cols)
    return [part for part in sorted((low, high), key=lambda part: part.pes) if _longer(part, axis)]


def _longer(part: Region, axis: Axis) -> bool:
    return (part.cols if axis == "row" else part.rows) > 1
