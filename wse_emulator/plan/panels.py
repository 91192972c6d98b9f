"""One round of a product of matrices on one PE: panels of lines come in, partial sums go out.

The PE adds a number times a line to a line of sums, again and again. Lines run along one of the
two axes of the result: along a side of the PE's block, which is as long as the block, or along the
panel, which is as long as the panel has lines. A kernel takes the order of loops that is quicker:
longer lines mean fewer launches, lines of whole pairs of words fewer bank conflicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from wse_emulator.cost.banks import (
    LinesInMemory,
    conflicting_pairs,
    packed_addresses,
    unavoidable_pairs,
)
from wse_emulator.cost.kernel import FREE, Kernel, OpCost, Operand
from wse_emulator.cost.products import Formats, passes_cost
from wse_emulator.cost.starts import start_of_products
from wse_emulator.ops.contractions import Product, Role
from wse_emulator.placement.pieces import Piece
from wse_emulator.wafer.formats import BYTES, HALF_FLOATS
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a product.

    Attributes:
        lines: of its panel.
        first, last: whether it begins the product, whether it ends it.
    """

    lines: int
    first: bool = True
    last: bool = True


@dataclass(frozen=True, slots=True)
class MultiplyAdds:
    """The multiply-adds ``sums += number * line`` of one panel on one PE.

    Attributes:
        elements: of a line.
        passes: how many are issued.
        conflicts: how many of them read a line and sums from the same banks.
        cost: of all.
    """

    elements: int
    passes: int
    conflicts: int
    cost: OpCost


NOTHING = MultiplyAdds(0, 0, 0, FREE)


def multiply_adds(
    product: Product,
    formats: Formats,
    sides: tuple[int, int],
    lines: int,
    spec: WaferSpec,
    *,
    packed: bool = False,
) -> MultiplyAdds:
    """One panel of ``lines`` lines, by the quicker order of the loops.

    Args:
        product: what is multiplied.
        formats: of the sums, and of the factors.
        sides: (down, across) of the block that stays on the PE.
        lines: of the panel.
        spec: the machine.
        packed: factors and sums lie one after another, as a linker packs them; else the sums
            begin at the word with the fewest bank conflicts.
    """
    lengths: dict[Role, int] = {"down": sides[0], "across": sides[1], "rounds": lines}
    if not prod(lengths.values()):
        return NOTHING
    made = [axis for axis in lengths if axis != product.summed]
    orders = []
    for along, other in (made, made[::-1]):
        length, summed, sums_of = lengths[along], lengths[product.summed], lengths[other]
        in_sums, in_factor = (length * BYTES[dtype] for dtype in formats)
        passes = summed * sums_of
        if packed:
            factor_sizes = [length * summed, summed * sums_of]
            if along == "rounds":  # the panel lies after the block
                factor_sizes.reverse()
            sizes = [size * BYTES[formats[1]] for size in factor_sizes]
            starts = packed_addresses([*sizes, in_sums * sums_of])
            factor = LinesInMemory(summed, in_factor, starts[along == "rounds"])
            conflicts = conflicting_pairs(factor, LinesInMemory(sums_of, in_sums, starts[2]), spec)
        else:
            factor, sums = LinesInMemory(summed, in_factor), LinesInMemory(sums_of, in_sums)
            conflicts = unavoidable_pairs(factor, sums, spec)
        start = start_of_products(spec)
        cost = passes_cost(length, passes - conflicts, formats, start, spec)
        cost += passes_cost(length, conflicts, formats, start, spec, bank_conflict=True)
        orders.append(MultiplyAdds(length, passes, conflicts, cost))
    return min(orders, key=lambda order: order.cost.cycles)


def first_cost(product: Product, formats: Formats, piece: Piece, spec: WaferSpec) -> OpCost:
    """What comes before the first panel: a PE without a part of the factors clears its result."""
    down, across = piece.sides(product.stays.down, product.stays.across)
    if product.vectors or down * across:
        return FREE
    down, across = piece.sides(product.made.down, product.made.across)
    kernel = Kernel(spec, down * across)
    kernel.emit("move", Operand(formats[0], vector=True))
    return kernel.cost


def last_cost(product: Product, formats: Formats, piece: Piece, spec: WaferSpec) -> OpCost:
    """What comes after the last panel, over the PE's part of the result.

    Sums that travelled in a wider format are converted, and what is added (``addmm``) is one
    multiply-add more.
    """
    down, across = piece.sides(product.made.down, product.made.across)
    made = down * across
    if product.vectors and product.summed != "rounds":
        made = down if product.summed == "across" else across
    sums = formats[0]
    kernel = Kernel(spec, made)
    if product.gathered is not None and format_between_pes(sums, spec) != sums:
        kernel.emit("convert", Operand(format_between_pes(sums, spec), vector=True), dtype=sums)
    if product.adds:
        kernel.emit("fma", *(Operand(dtype, vector=True) for dtype in formats), dtype=sums)
    return kernel.cost


def format_between_pes(sums: str, spec: WaferSpec) -> str:
    """The number format in which partial sums travel from PE to PE.

    The vendor's kernels sum 16-bit numbers in 16 bits inside a PE and in float32 between PEs;
    other programs send what they have.
    """
    return "float32" if spec.products == "vendor" and sums in HALF_FLOATS else sums


def buffer_bytes(
    product: Product, formats: Formats, piece: Piece, lines: int, spec: WaferSpec
) -> int:
    """SRAM of the panels as they come in and of their partial sums, in whole wavelets each.

    Vectors lie where row and column statistics do, in the reserve.
    """
    down, across = piece.sides(product.stays.down, product.stays.across)
    if product.vectors or not down * across:
        return 0
    messages = [(axis, formats[1]) for axis in product.sent]
    if product.gathered:
        messages.append((product.gathered, format_between_pes(formats[0], spec)))
    return sum(
        panel_wavelets((down if axis == "row" else across) * lines, dtype, spec)
        * spec.wavelet_bytes
        for axis, dtype in messages
    )


def panel_wavelets(elements: int, dtype: str, spec: WaferSpec) -> int:
    """Wavelets that carry ``elements`` elements."""
    return -(-elements * BYTES[dtype] // spec.wavelet_bytes)
