"""The piece of a tensor on one PE: elements, and the matrix rows and columns they come from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from wse_emulator.placement.values import TensorPlacement


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """What one PE holds of a tensor.

    Attributes:
        elements: number of elements.
        rows, cols: height and width of the block; 0 for flat shards.
    """

    elements: int
    rows: int = 0
    cols: int = 0


def pieces_of(tensor: TensorPlacement) -> tuple[tuple[int, Piece], ...]:
    """Run-length code ``(pes, piece)`` over the region's PEs in row-major order."""
    if tensor.grid is None:
        return tuple((pes, Piece(elements)) for pes, elements in tensor.runs)
    widths = [(len(list(group)), width) for width, group in groupby(tensor.grid.widths)]
    runs: list[tuple[int, Piece]] = []
    for height in tensor.grid.heights:
        for pes, width in widths:
            piece = Piece(height * width, height, width)
            if runs and runs[-1][1] == piece:
                runs[-1] = (runs[-1][0] + pes, piece)
            else:
                runs.append((pes, piece))
    return tuple(runs)


def piece_counts(tensor: TensorPlacement) -> dict[Piece, int]:
    """How many PEs hold each distinct piece that is not empty."""
    counts: dict[Piece, int] = {}
    if tensor.grid is None:
        runs = [(pes, Piece(elements)) for pes, elements in tensor.runs]
    else:
        widths = Counter(tensor.grid.widths)
        runs = [
            (rows * cols, Piece(height * width, height, width))
            for height, rows in Counter(tensor.grid.heights).items()
            for width, cols in widths.items()
        ]
    for pes, piece in runs:
        if piece.elements:
            counts[piece] = counts.get(piece, 0) + pes
    return counts


def largest_piece(tensor: TensorPlacement) -> Piece:
    """The piece with the most elements."""
    return max(piece_counts(tensor), default=Piece(0))
