"""One round of a product of matrices on one PE: a panel of lines comes in, partial sums go out.

The PE adds a number times a line to the sums, again and again: lines of its own block, as long as
the block's side, or lines of the panel, as long as the panel has lines. A kernel takes the longer
of them, since every instruction costs its launch.
"""

from __future__ import annotations

from wse_emulator.cost.kernel import FREE
from wse_emulator.ops import OpCost
from wse_emulator.ops.contractions import Product
from wse_emulator.ops.reductions import panel_cost
from wse_emulator.placement.pieces import Piece
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


def extents(product: Product, piece: Piece) -> tuple[int, int]:
    """Elements of one line on this PE: of the panel that is sent, of the sums that are made."""
    sides = {
        "rows": piece.rows,
        "cols": piece.cols,
        "gram_rows": piece.gram_rows,
        "gram_cols": piece.gram_cols,
    }
    return sides[product.sent], sides[product.made]


def round_cost(
    product: Product, formats: tuple[str, str], piece: Piece, lines: int, spec: WaferSpec
) -> OpCost:
    """Multiply-adds of one panel of ``lines`` lines, by the quicker order of the loops.

    Args:
        product: what is multiplied.
        formats: of the sums, and of the factors.
        piece: what the PE holds.
        lines: of the panel.
        spec: the machine.
    """
    sent, made = extents(product, piece)
    along_block = panel_cost(formats, made, sent * lines, spec)
    along_panel = panel_cost(formats, lines, sent * made, spec)
    if not sent * made * lines:
        return FREE
    return min(along_block, along_panel, key=lambda cost: cost.cycles)


def sum_cost(product: Product, formats: tuple[str, str], piece: Piece, spec: WaferSpec) -> OpCost:
    """One multiply-add over the PE's block of the result, if the product adds a matrix."""
    if product.adds is None:
        return FREE
    block = piece.elements if product.adds == "block" else piece.gram_rows * piece.gram_cols
    return panel_cost(formats, block, 1, spec)


def buffer_bytes(
    product: Product, formats: tuple[str, str], piece: Piece, lines: int, spec: WaferSpec
) -> int:
    """SRAM of a panel as it comes in and of its partial sums, in whole wavelets each."""
    return sum(
        wavelets_of(extent * lines, dtype, spec) * spec.wavelet_bytes
        for extent, dtype in zip(extents(product, piece), formats[::-1], strict=True)
    )


def wavelets_of(elements: int, dtype: str, spec: WaferSpec) -> int:
    """Wavelets that carry ``elements`` elements."""
    return -(-elements * BYTES[dtype] // spec.wavelet_bytes)
