"""What the PEs of a tensor's rectangle run, each on the piece that it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wse_emulator.activities import OpChain, Work
from wse_emulator.placement.pieces import Piece, pieces_of
from wse_emulator.placement.values import TensorPlacement


@dataclass(frozen=True, slots=True)
class _Runs:
    """The pieces of a tensor over its PEs in row-major order: ``pes[i]`` PEs in a row hold
    ``distinct[piece[i]]``."""

    distinct: tuple[Piece, ...]
    pes: npt.NDArray[np.int64]
    piece: npt.NDArray[np.int64]


@lru_cache(maxsize=8)  # a step works on one tensor through all its products
def _runs(tensor: TensorPlacement) -> _Runs:
    numbers: dict[Piece, int] = {}
    runs = [(pes, numbers.setdefault(piece, len(numbers))) for pes, piece in pieces_of(tensor)]
    pes, piece = np.array(runs, np.int64).T
    return _Runs(tuple(numbers), pes, piece)


def work_on_pieces(tensor: TensorPlacement, chain_of: Callable[[Piece], OpChain]) -> Work:
    """The work of a tensor's PEs; those without an element of it take no part."""
    runs = _runs(tensor)
    chains: dict[OpChain, int] = {}
    number = [
        chains.setdefault(chain_of(piece), len(chains)) if piece.elements else -1
        for piece in runs.distinct
    ]
    chain = np.array(number)[runs.piece]
    changes = np.flatnonzero(np.diff(chain, prepend=-2))
    pes = np.add.reduceat(runs.pes, changes)
    return Work(
        name=tensor.name,
        region=tensor.region,
        chains=tuple(chains),
        runs=tuple(zip(pes.tolist(), chain[changes].tolist(), strict=True)),
        tensor=tensor.parameter,
    )
