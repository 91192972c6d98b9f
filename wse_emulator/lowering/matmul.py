"""A product of matrices as activities, round by round: panels out, multiply-adds, sums together.

In each round the lines of one panel go along the lines of PEs that need them (two panels, if both
factors are sent), every PE multiplies them with its block, and partial sums add up at one PE of
each line. The owners of successive panels lie at successive places; the middle of the line stands
for all of them, so that every round takes the same routes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from wse_emulator.activities import Activity, Axis, LineMulticast, OpChain
from wse_emulator.collectives import LineSet, all_reduce_lines, reduce_lines, root_of
from wse_emulator.collectives.compose import RootPlace, choose, multicast_along_lines
from wse_emulator.cost.products import Formats
from wse_emulator.lowering.piece_work import work_on_pieces
from wse_emulator.ops.contractions import Product
from wse_emulator.placement.pieces import Piece
from wse_emulator.placement.values import TensorPlacement
from wse_emulator.plan.panels import Round, format_between_pes, panel_wavelets
from wse_emulator.wafer.spec import WaferSpec

RoundChain = Callable[[Round, Piece], OpChain]
"""What a PE with a piece runs in a round."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where products are carried out.

    Attributes:
        tensor: how the parameter's own matrix and those beside it are cut.
        channel: of the messages.
        root: the PE of each line from which panels come and at which sums add up.
    """

    tensor: TensorPlacement
    channel: str
    root: RootPlace = "centre"

    def lines(
        self, axis: Axis, product: Product, lines: int, dtype: str, spec: WaferSpec
    ) -> LineSet:
        """Lines of PEs with their parts of a panel, or of its sums, ``lines`` lines long."""
        grid, (row, col) = self.tensor.grid, root_of(self.tensor.region, self.root)
        assert grid is not None  # a step that multiplies matrices is placed in blocks
        heights, widths = grid.cuts(product.stays.down, product.stays.across)
        sides, root = (heights, col) if axis == "row" else (widths, row)
        return LineSet(
            name=self.tensor.name,
            region=self.tensor.region,
            axis=axis,
            root=root,
            wavelets=tuple(panel_wavelets(side * lines, dtype, spec) for side in sides),
            channel=self.channel,
            tensor=self.tensor.parameter,
        )


def product_activities(
    site: Site,
    product: Product,
    formats: Formats,
    longest: int,
    chain_of: RoundChain,
    spec: WaferSpec,
) -> list[Activity]:
    """All rounds of a product.

    Rounds that are alike share their activities.

    Args:
        site: where it is carried out.
        product: what is multiplied.
        formats: of sums and factors.
        longest: lines of a panel; the last round may have fewer.
        chain_of: the work of one PE.
        spec: the machine.
    """
    rounds, tail = divmod(product.lines, longest)
    lines = [longest] * rounds + [tail] * bool(tail)
    known: dict[Round, list[Activity]] = {}
    activities: list[Activity] = []
    for position, length in enumerate(lines):
        kind = Round(length, first=position == 0, last=position == len(lines) - 1)
        if kind not in known:
            sends, sums = _messages(site, product, length, formats, spec)
            known[kind] = [*sends, work_on_pieces(site.tensor, partial(chain_of, kind)), *sums]
        activities += known[kind]
    return activities


@lru_cache(maxsize=64)  # the iterations of a step repeat the same products
def _messages(
    site: Site, product: Product, lines: int, formats: Formats, spec: WaferSpec
) -> tuple[tuple[LineMulticast, ...], tuple[Activity, ...]]:
    """The messages of one round: multicasts of the panels, and the reduction of partial sums."""
    made, sent = formats
    sends = tuple(
        multicast_along_lines(site.lines(axis, product, lines, sent, spec)) for axis in product.sent
    )
    if product.gathered is None:
        return sends, ()
    wide = format_between_pes(made, spec)
    sums = site.lines(product.gathered, product, lines, wide, spec)
    if product.returned:
        return sends, all_reduce_lines(sums, spec)
    return sends, reduce_lines(sums, choose(sums, spec))
