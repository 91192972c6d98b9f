"""A product of matrices as activities, round by round: panels out, multiply-adds, sums together.

In each round the lines of one panel go along the lines of PEs that need them (two panels, if both
factors are sent), every PE multiplies them with its block, and partial sums add up at one PE of
each line. The owners of successive panels lie at successive places; the middle of the line stands
for all of them, so that every round takes the same routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from wse_emulator.activities import Activity, Axis, LineMulticast, OpChain, Work
from wse_emulator.collectives import LineSet, all_reduce_lines, reduce_lines, root_of
from wse_emulator.collectives.compose import RootPlace, choose, line_multicast
from wse_emulator.ops.contractions import Product
from wse_emulator.placement.pieces import Piece, piece_counts, pieces_of
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.panels import Formats, wavelets_of
from wse_emulator.wafer.spec import WaferSpec


class RoundChain(Protocol):
    """What a PE with a piece runs in a round of ``lines`` lines."""

    def __call__(self, piece: Piece, lines: int, /, *, first: bool, last: bool) -> OpChain: ...


def product_activities(
    tensor: TensorPlacement,
    product: Product,
    formats: Formats,
    longest: int,
    chain_of: RoundChain,
    spec: WaferSpec,
    channel: str,
    *,
    root: RootPlace = "centre",
) -> list[Activity]:
    """All rounds of a product on the rectangle of a tensor.

    Rounds that are alike share their activities.

    Args:
        tensor: what the parameter's own matrix and those beside it are cut like.
        product: what is multiplied.
        formats: of sums and factors.
        longest: lines of a panel; the last round may have fewer.
        chain_of: the work of one PE.
        spec: the machine.
        channel: of the messages.
        root: the PE of a line from which panels come and at which sums add up.
    """
    rounds, tail = divmod(product.lines, longest)
    lines = [longest] * rounds + [tail] * bool(tail)
    known: dict[tuple[int, bool, bool], list[Activity]] = {}
    activities: list[Activity] = []
    for position, length in enumerate(lines):
        kind = (length, position == 0, position == len(lines) - 1)
        if kind not in known:
            sends, sums = _messages(tensor, product, length, formats, spec, channel, root)
            known[kind] = [*sends, _round(tensor, chain_of, kind), *sums]
        activities += known[kind]
    return activities


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


def _round(tensor: TensorPlacement, chain_of: RoundChain, kind: tuple[int, bool, bool]) -> Work:
    """The work of one round (lines, whether it is the first, the last) on every PE's block."""
    runs = _runs(tensor)
    lines, first, last = kind
    chains: dict[OpChain, int] = {}
    number = {
        piece: chains.setdefault(chain_of(piece, lines, first=first, last=last), len(chains))
        for piece in piece_counts(tensor)
    }
    chain = np.array([number.get(piece, -1) for piece in runs.distinct])[runs.piece]
    changes = np.flatnonzero(np.diff(chain, prepend=-2))
    pes = np.add.reduceat(runs.pes, changes)
    return Work(
        name=tensor.name,
        region=tensor.region,
        chains=tuple(chains),
        runs=tuple(zip(pes.tolist(), chain[changes].tolist(), strict=True)),
        tensor=tensor.parameter,
    )


@lru_cache(maxsize=64)  # the iterations of a step repeat the same products
def _messages(
    tensor: TensorPlacement,
    product: Product,
    lines: int,
    formats: Formats,
    spec: WaferSpec,
    channel: str,
    place: RootPlace,
) -> tuple[tuple[LineMulticast, ...], tuple[Activity, ...]]:
    """The panels' ways out and the partial sums' way together."""
    assert tensor.grid is not None  # a step that multiplies matrices is placed in blocks
    heights, widths = tensor.grid.cuts(product.stays.down, product.stays.across)
    row, col = root_of(tensor.region, place)
    made, sent = formats

    def along(axis: Axis, dtype: str) -> LineSet:
        sides, root = (heights, col) if axis == "row" else (widths, row)
        return LineSet(
            name=tensor.name,
            region=tensor.region,
            axis=axis,
            root=root,
            wavelets=tuple(wavelets_of(side * lines, dtype, spec) for side in sides),
            channel=channel,
            tensor=tensor.parameter,
        )

    sends = tuple(line_multicast(along(axis, sent)) for axis in product.sent)
    if product.gathered is None:
        return sends, ()
    sums = along(product.gathered, made)
    if product.returned:
        return sends, all_reduce_lines(sums, spec)
    return sends, reduce_lines(sums, choose(sums, spec))
