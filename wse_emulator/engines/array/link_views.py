"""Views of wafer arrays along the path of a message, so that one scan serves every direction.

The last axis of a view follows the head of a message (links) or leads away from the root (PEs). The
axes before it run over lines, and over the groups of a line. Views are slices without a copy, so
writing to a view writes to the wafer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import Axis
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import PLANES, Region

Scalar = TypeVar("Scalar", bound=np.generic)

RAMP = PLANES.index("D")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a region, seen from a position on each of them in one direction.

    Attributes:
        region: the lines; position 0 is at ``origin``.
        axis: how the lines run.
        origin: absolute column (axis "row") or row (axis "column") of position 0.
        direction: +1 if positions grow with columns or rows, -1 if against them.
        length: positions in this direction, position 0 among them.
        across: rows (axis "row") or columns (axis "column") of the lines.
    """

    region: Region
    axis: Axis
    origin: int
    direction: int
    length: int
    across: slice = field(init=False)

    def __post_init__(self) -> None:
        rows, cols = self.region.slices
        object.__setattr__(self, "across", rows if self.axis == "row" else cols)

    @property
    def outward(self) -> int:
        """Plane of the links that lead away from position 0."""
        along = ("E", "W") if self.axis == "row" else ("S", "N")
        return PLANES.index(along[0] if self.direction > 0 else along[1])

    @property
    def inward(self) -> int:
        """Plane of the links that lead towards position 0."""
        along = ("W", "E") if self.axis == "row" else ("N", "S")
        return PLANES.index(along[0] if self.direction > 0 else along[1])

    def of(
        self, plane: NDArray[Scalar], first: int = 0, stop: int | None = None
    ) -> NDArray[Scalar]:
        """The positions of a (rows, cols) array of the wafer, of shape (lines, stop - first)."""
        stop = self.length if stop is None else stop
        low = self.origin + first if self.direction > 0 else self.origin - stop + 1
        along = slice(low, low + stop - first)
        view = plane[self.across, along] if self.axis == "row" else plane[along, self.across].T
        return view if self.direction > 0 else view[:, ::-1]


@dataclass(frozen=True, slots=True)
class Outward:
    """The links from position ``first`` of each line outward to position ``stop`` - 1."""

    lines: Lines
    first: int
    stop: int

    @property
    def plane(self) -> int:
        """The direction of these links, as an index into ``PLANES``."""
        return self.lines.outward

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The links of a (planes, rows, cols) array, of shape (lines, links), that at ``first``
        first."""
        return self.lines.of(plane, self.first, self.stop)


@dataclass(frozen=True, slots=True)
class Inward:
    """The links from position ``first`` of each line inward to position 0."""

    lines: Lines
    first: int

    @property
    def plane(self) -> int:
        """The direction of these links, as an index into ``PLANES``."""
        return self.lines.inward

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The links of a (planes, rows, cols) array, of shape (lines, links), in the order of
        travel."""
        return self.lines.of(plane, 1, self.first + 1)[:, ::-1]


@dataclass(frozen=True, slots=True)
class Ramps:
    """The down-ramps, or the PEs, at positions ``first`` to ``stop`` - 1 of each line."""

    lines: Lines
    first: int
    stop: int
    plane: int = RAMP

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The ramps or PEs of an array of the wafer, of shape (lines, positions)."""
        return self.lines.of(plane, self.first, self.stop)


@dataclass(frozen=True, slots=True)
class Groups:
    """Equal groups of a chain: ``count`` groups of ``size`` positions every ``spacing`` PEs.

    Attributes:
        first: position of the first group's root.
        followed: whether the PEs behind the last of these groups, up to where the root of one
            more would be, lie on the wafer.
    """

    lines: Lines
    first: int
    count: int
    size: int
    spacing: int
    followed: bool

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The PEs of a (rows, cols) array, of shape (lines, groups, positions), the root first."""
        if not self.followed:
            stop = self.first + (self.size - 1) * self.spacing + 1
            return self.lines.of(plane, self.first, stop)[:, None, :: self.spacing]
        stop = self.first + self.count * self.size * self.spacing
        view = self.lines.of(plane, self.first, stop)
        shape = (view.shape[0], self.count, self.size, self.spacing)
        return view.reshape(shape)[..., 0]


@dataclass(frozen=True, slots=True)
class StageLinks:
    """The links of all stages of :class:`Groups`: stage i leads from position i + 1 to i."""

    groups: Groups

    @property
    def plane(self) -> int:
        """The direction of these links, as an index into ``PLANES``."""
        return self.groups.lines.inward

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The links, of shape (lines, groups, stages, links of a stage), in the order of travel."""
        groups = self.groups
        first = groups.first + 1
        stages = groups.size if groups.followed else groups.size - 1
        stop = first + groups.count * stages * groups.spacing
        view = groups.lines.of(plane, first, stop)
        view = view.reshape(view.shape[0], groups.count, stages, groups.spacing)
        return view[:, :, : groups.size - 1, ::-1]


@dataclass(frozen=True, slots=True)
class StageRamps:
    """The down-ramps of all positions of :class:`Groups` that receive."""

    groups: Groups
    plane: int = RAMP

    def of(self, plane: NDArray[Scalar]) -> NDArray[Scalar]:
        """The ramps, of shape (lines, groups, stages): one at the end of each stage."""
        return self.groups.of(plane)[..., :-1]


LinkView = Outward | Inward | Ramps | StageLinks | StageRamps


@dataclass(frozen=True, slots=True, eq=False)
class Takers:
    """PEs that touch a message, as views of the wafer's arrays.

    Attributes:
        ready: release time of each PE's latest activity.
        busy: cycles of work and touches.
    """

    ready: IntArray
    busy: IntArray
