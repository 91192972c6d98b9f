"""Rectangles of PEs. The row always comes before the column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PLANES: Final = ("E", "W", "S", "N", "D")
"""Link planes: the link leaving PE (r, c) eastward, westward, southward, northward, and the
down-ramp from its router into the PE."""


def mesh_links(rows: int, cols: int) -> int:
    """Directed links between neighbouring routers of a wafer."""
    return 2 * (rows * (cols - 1) + cols * (rows - 1))


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A rectangle of PEs: rows ``[row, row + rows)``, columns ``[col, col + cols)``."""

    row: int
    col: int
    rows: int
    cols: int

    def __post_init__(self) -> None:
        if self.row < 0 or self.col < 0 or self.rows < 1 or self.cols < 1:
            raise ValueError(
                f"a region needs row, col >= 0 and rows, cols >= 1, got {self.as_list()}"
            )

    @property
    def pes(self) -> int:
        """The number of PEs in the region."""
        return self.rows * self.cols

    @property
    def row_stop(self) -> int:
        """The first row below the region."""
        return self.row + self.rows

    @property
    def col_stop(self) -> int:
        """The first column right of the region."""
        return self.col + self.cols

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of this region in a (rows, cols) array of the wafer."""
        return slice(self.row, self.row_stop), slice(self.col, self.col_stop)

    def as_list(self) -> list[int]:
        """``[row, col, rows, cols]``, the form used in result files."""
        return [self.row, self.col, self.rows, self.cols]

    def contains(self, row: int, col: int) -> bool:
        """Whether PE (row, col) lies in the region."""
        return self.row <= row < self.row_stop and self.col <= col < self.col_stop
