"""The piece of a tensor on one PE: elements, and the matrix rows and columns they come from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from wse_emulator.placement.values import BlockGrid, TensorPlacement


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """What one PE holds of a tensor.

    Attributes:
        elements: number of elements.
        rows, cols: height and width of the block; of whole matrices, the rows and the columns
            of all of them; 0 for flat shards.
        gram_rows, gram_cols: height and width of its block of the Gram matrix, if the step makes
            one.
        matrices: number of whole matrices, for a stack of them.
    """

    elements: int
    rows: int = 0
    cols: int = 0
    gram_rows: int = 0
    gram_cols: int = 0
    matrices: int = 0


def pieces_of(tensor: TensorPlacement) -> tuple[tuple[int, Piece], ...]:
    """Run-length code ``(pes, piece)`` over the region's PEs in row-major order."""
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


def _sides(grid: BlockGrid) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Of each row of PEs and of each column: matrix rows (columns), and those of Gram matrix."""
    none = (0,)
    return (
        list(zip(grid.heights, grid.gram_heights or none * len(grid.heights), strict=True)),
        list(zip(grid.widths, grid.gram_widths or none * len(grid.widths), strict=True)),
    )


def _block(row: tuple[int, int], col: tuple[int, int]) -> Piece:
    return Piece(row[0] * col[0], row[0], col[0], row[1], col[1])


def piece_counts(tensor: TensorPlacement) -> dict[Piece, int]:
    """How many PEs hold each distinct piece that is not empty."""
    counts: dict[Piece, int] = {}
    if tensor.grid is None:
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
