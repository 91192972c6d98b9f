"""Reductions along lines of PEs, written as lists of chains and stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wse_emulator.activities import Axis, Chain, Star
from wse_emulator.errors import CollectiveError
from wse_emulator.wafer.region import Region

Kind = Literal["star", "chain", "tree", "two-phase"]
KINDS: Final[tuple[Kind, ...]] = ("star", "chain", "tree", "two-phase")


@dataclass(frozen=True, slots=True)
class LineAlgorithm:
    """How a line is reduced to its root.

    Attributes:
        kind: star (all send to the root), chain (each adds and passes on), tree (pairs at
            distance 1, 2, 4, ...), two-phase (chains in groups, then over their leaders).
        group: PEs of a group of the two-phase algorithm; 0 for the others.
    """

    kind: Kind
    group: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CollectiveError(
                f"no reduction algorithm {self.kind!r}; one of {', '.join(KINDS)}"
            )
        if (self.kind == "two-phase") != (self.group > 0):
            raise CollectiveError(
                f"{self.kind} with group {self.group}: two-phase needs a group of at least 1 PE, "
                "the others take none"
            )

    def __str__(self) -> str:
        return f"two-phase, group {self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSet:
    """The lines of a region that one reduction runs along, all at once.

    Attributes:
        name: what the trace shows.
        region: the rectangle.
        axis: how the lines run.
        root: absolute column (axis "row") or row (axis "column") of every line's root.
        wavelets: length of the vector, one number or one for each line.
        channel: route set.
        tensor: index of the parameter, or None.
    """

    name: str
    region: Region
    axis: Axis
    root: int
    wavelets: int | tuple[int, ...]
    channel: str
    tensor: int | None = None

    def __post_init__(self) -> None:
        if not self.first <= self.root < self.stop:
            raise CollectiveError(
                f"{self.name}: root {self.root} lies outside positions {self.first} to "
                f"{self.stop - 1} of the {self.axis}s of region {self.region.as_list()}"
            )

    @property
    def first(self) -> int:
        """First position of a line."""
        return self.region.col if self.axis == "row" else self.region.row

    @property
    def stop(self) -> int:
        """One past the last position of a line."""
        return self.region.col_stop if self.axis == "row" else self.region.row_stop

    @property
    def arms(self) -> tuple[tuple[int, int], ...]:
        """Each side of the root as (direction, positions, the root among them), left or upper
        first."""
        return ((-1, self.root - self.first + 1), (1, self.stop - self.root))


def reduce_lines(lines: LineSet, algorithm: LineAlgorithm) -> tuple[Chain | Star, ...]:
    """The activities that reduce every line of a region to its root, from both sides of the root.

    A two-phase reduction with a group of 1, or of the whole side, is a chain.
    """
    activities: list[Chain | Star] = []
    for direction, positions in lines.arms:
        if positions > 1:
            activities += _arm(lines, algorithm, direction, positions)
    return tuple(activities)


def _arm(
    lines: LineSet, algorithm: LineAlgorithm, direction: int, positions: int
) -> list[Chain | Star]:
    if algorithm.kind == "star":
        star = Star(
            name=lines.name,
            region=lines.region,
            axis=lines.axis,
            root=lines.root,
            direction=direction,
            positions=positions,
            wavelets=lines.wavelets,
            channel=lines.channel,
            tensor=lines.tensor,
        )
        return [star]
    return [
        Chain(
            name=lines.name,
            region=lines.region,
            axis=lines.axis,
            root=lines.root,
            spacing=direction * spacing,
            positions=-(-positions // spacing),
            wavelets=lines.wavelets,
            channel=lines.channel,
            group=group,
            tensor=lines.tensor,
        )
        for spacing, group in chain_phases(algorithm, positions)
    ]


def chain_phases(algorithm: LineAlgorithm, positions: int) -> list[tuple[int, int | None]]:
    """The chains that reduce one side of ``positions`` PEs, each as (spacing, group), in order."""
    if algorithm.kind == "tree":
        return [(1 << k, 2) for k in range((positions - 1).bit_length())]
    if algorithm.kind == "two-phase" and 1 < algorithm.group < positions:
        return [(1, algorithm.group), (algorithm.group, None)]
    return [(1, None)]
