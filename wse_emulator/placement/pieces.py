"""The piece of a tensor on one PE: elements, and the matrix rows and columns they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from wse_emulator.placement.values import BlockGrid, ShardRuns, TensorPlacement


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """What one PE holds of a tensor.

    Attributes:
        elements: number of elements; of a sparse tensor, of kept ones.
        rows, cols: height and width of the block; of whole matrices, the rows and the columns
            of all of them; 0 for flat shards.
        matrices: number of whole matrices, for a stack of them.
        down, across: its parts of the further lengths that are cut over the rows and over the
            columns of PEs.
    """

    elements: int
    rows: int = 0
    cols: int = 0
    matrices: int = 0
    down: tuple[int, ...] = ()
    across: tuple[int, ...] = ()

    def sides(self, down: int, across: int) -> tuple[int, int]:
        """Height and width of the block of a matrix, by the numbers of its lengths; 0: own."""
        return (self.rows, *self.down)[down], (self.cols, *self.across)[across]


def pieces_of(tensor: TensorPlacement) -> tuple[tuple[int, Piece], ...]:
    """Run-length code ``(pes, piece)`` over the region's PEs in row-major order."""
    if tensor.kept:
        return tuple(_with_kept(_dense_pieces(tensor), tensor.kept))
    return _dense_pieces(tensor)


def _with_kept(pieces: Iterable[tuple[int, Piece]], kept: ShardRuns) -> Iterable[tuple[int, Piece]]:
    """The same pieces with their numbers of kept elements."""
    counts = iter(kept)
    left = elements = 0
    for pes, piece in pieces:
        rest = pes
        while rest:
            if left == 0:
                left, elements = next(counts)
            both = min(rest, left)
            yield both, replace(piece, elements=elements)
            rest -= both
            left -= both


def _dense_pieces(tensor: TensorPlacement) -> tuple[tuple[int, Piece], ...]:
    if tensor.grid is None:
        return tuple((pes, _part(elements, tensor)) for pes, elements in tensor.runs)
    rows, cols = _sides(tensor.grid)
    across = [(len(list(group)), side) for side, group in groupby(cols)]
    runs: list[tuple[int, Piece]] = []
    for side, lines in groupby(rows):
        line = [(pes, _block(side, other)) for pes, other in across]
        for _ in lines:
            if runs and runs[-1][1] == line[0][1]:
                runs[-1] = (runs[-1][0] + line[0][0], line[0][1])
                runs += line[1:]
            else:
                runs += line
    return tuple(runs)


def _part(elements: int, tensor: TensorPlacement) -> Piece:
    """A flat shard, or the matrices that a number of elements makes."""
    if tensor.matrix is None:
        return Piece(elements)
    rows, cols = tensor.matrix
    matrices = elements // (rows * cols)
    return Piece(elements, matrices * rows, matrices * cols, matrices=matrices)


_Lines = tuple[int, tuple[int, ...]]
"""A line of PEs: its part of the matrix's side, and of each further length."""


def _sides(grid: BlockGrid) -> tuple[list[_Lines], list[_Lines]]:
    """What each row of PEs and each column holds of the lengths that are cut over them."""
    return _lines(grid.heights, grid.down), _lines(grid.widths, grid.across)


def _lines(own: tuple[int, ...], further: tuple[tuple[int, ...], ...]) -> list[_Lines]:
    parts = zip(*further, strict=True) if further else [()] * len(own)
    return list(zip(own, parts, strict=True))


def _block(row: _Lines, col: _Lines) -> Piece:
    return Piece(row[0] * col[0], row[0], col[0], down=row[1], across=col[1])


def piece_counts(tensor: TensorPlacement) -> dict[Piece, int]:
    """How many PEs hold each distinct piece that is not empty."""
    counts: dict[Piece, int] = {}
    if tensor.grid is None or tensor.kept:
        runs = list(pieces_of(tensor))
    else:
        down, across = map(Counter, _sides(tensor.grid))
        runs = [
            (rows * cols, _block(row, col))
            for row, rows in down.items()
            for col, cols in across.items()
        ]
    for pes, piece in runs:
        if piece.elements:
            counts[piece] = counts.get(piece, 0) + pes
    return counts


def largest_piece(tensor: TensorPlacement) -> Piece:
    """The piece with the most elements."""
    return max(piece_counts(tensor), default=Piece(0))
