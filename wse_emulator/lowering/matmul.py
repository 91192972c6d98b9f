"""A product of matrices as activities, round by round: a panel out, multiply-adds, sums together.

In each round the lines of one panel go along the lines of PEs that need them, every PE multiplies
them with its block, and the partial sums meet at the lines of the other direction. The owners of
successive panels lie at successive places; the middle of the line stands for all of them, so that
every round takes the same routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wse_emulator.activities import Activity, Axis, LineMulticast, OpChain, Work
from wse_emulator.collectives import LineSet, reduce_lines, root_of
from wse_emulator.collectives.compose import choose
from wse_emulator.ops.contractions import Extent, Product
from wse_emulator.placement.pieces import Piece, piece_counts, pieces_of
from wse_emulator.placement.values import BlockGrid, TensorPlacement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.panels import wavelets_of
from wse_emulator.plan.strips import StripChoice
from wse_emulator.wafer.spec import WaferSpec


def product_activities(
    tensor: TensorPlacement,
    number: int,
    product: Product,
    choice: StripChoice,
    costs: ChainCosts,
    channel: str,
) -> list[Activity]:
    """All rounds of the product that is segment ``number`` of a tensor.

    Rounds that are alike share their activities.
    """
    longest = choice.lines[number]
    rounds, tail = divmod(product.lines, longest)
    lines = [longest] * rounds + [tail] * bool(tail)
    formats = costs.formats(tensor.parameter, number)
    known: dict[tuple[int, bool, bool], list[Activity]] = {}
    activities: list[Activity] = []
    for position, length in enumerate(lines):
        kind = (length, position == 0, position == len(lines) - 1)
        if kind not in known:
            send, add = _messages(tensor, product, length, formats, costs.spec, channel)
            work = _round(tensor, number, choice, costs, kind)
            known[kind] = [send, work, *add]
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


def _round(
    tensor: TensorPlacement,
    number: int,
    choice: StripChoice,
    costs: ChainCosts,
    kind: tuple[int, bool, bool],
) -> Work:
    """The work of one round (lines, whether it is the first, the last) on every PE's block."""
    lines, first, last = kind
    runs = _runs(tensor)
    chains: dict[OpChain, int] = {}
    chain_of = {
        piece: chains.setdefault(
            costs.round_chain(
                tensor.parameter, number, piece, choice.elements, lines, first=first, last=last
            ),
            len(chains),
        )
        for piece in piece_counts(tensor)
    }
    chain = np.array([chain_of.get(piece, -1) for piece in runs.distinct])[runs.piece]
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
    formats: tuple[str, str],
    spec: WaferSpec,
    channel: str,
) -> tuple[LineMulticast, tuple[Activity, ...]]:
    """The panel's way out and the partial sums' way together."""
    made, sent = formats
    grid = tensor.grid
    assert grid is not None  # a step that multiplies matrices is placed in blocks
    centre = root_of(tensor.region, "centre")
    across: Axis = "row" if product.axis == "column" else "column"

    def root(axis: Axis) -> int:
        return centre[1] if axis == "row" else centre[0]

    def wavelets(extent: Extent, dtype: str) -> tuple[int, ...]:
        return tuple(wavelets_of(side * lines, dtype, spec) for side in _sides(grid, extent))

    send = LineMulticast(
        name=tensor.name,
        region=tensor.region,
        axis=product.axis,
        root=root(product.axis),
        wavelets=wavelets(product.sent, sent),
        channel=channel,
        tensor=tensor.parameter,
    )
    sums = LineSet(
        name=tensor.name,
        region=tensor.region,
        axis=across,
        root=root(across),
        wavelets=wavelets(product.made, made),
        channel=channel,
        tensor=tensor.parameter,
    )
    return send, reduce_lines(sums, choose(sums, spec))


def _sides(grid: BlockGrid, extent: Extent) -> tuple[int, ...]:
    """That side of the blocks, of each line of PEs."""
    match extent:
        case "rows":
            return grid.heights
        case "cols":
            return grid.widths
        case "gram_rows":
            return grid.gram_heights
        case "gram_cols":
            return grid.gram_widths
