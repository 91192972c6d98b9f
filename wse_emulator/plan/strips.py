"""How long a strip of each tensor's chain is: short enough for SRAM, long enough to be quick.

Each strip pays the launch cost of its ops again, and each strip element costs the bytes of the
temporaries live at once. The plan takes the shortest strip within 1 % of the unstripped time, and
if that does not fit, the longest that does. Panels of matrix products take what is left: the
fewer rounds a product runs in, the less often it waits for the fabric. Panels whose lines begin
in one bank may be quicker all the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from wse_emulator.placement.pieces import Piece, largest_piece, piece_counts
from wse_emulator.placement.values import Placement
from wse_emulator.plan.chains import ChainCosts

SLOWDOWN_ALLOWED: Final = Fraction(1, 100)
SHORTEST_STRIP: Final = 8


@dataclass(frozen=True, slots=True)
class StripChoice:
    """The strips of one parameter.

    Attributes:
        elements: strip length; 0 for a parameter whose step has no vector op.
        temporary_bytes: SRAM of the temporaries on the PE with the largest shard.
        fits: whether the temporaries fit beside what is resident.
        lines: lines of a panel of each segment's matrix product, 0 for a plain segment; empty
            for a step without any product.
    """

    elements: int
    temporary_bytes: int
    fits: bool
    lines: tuple[int, ...] = ()


def choose_strips(
    costs: ChainCosts, placement: Placement, free_bytes: Sequence[int]
) -> tuple[StripChoice, ...]:
    """One choice a parameter; ``free_bytes[i]`` is the SRAM left on the fullest PE that holds a
    piece of parameter i."""
    known: dict[tuple[object, ...], StripChoice] = {}
    choices = []
    for parameter, tensor in enumerate(placement.tensors):
        largest = largest_piece(tensor)
        free = free_bytes[parameter]
        pieces = tuple(piece_counts(tensor)) if costs.orders(parameter) else ()
        region = tensor.region
        across = (region.rows + region.cols) * costs.spec.hop_cycles if pieces else 0
        key = (costs.forms(parameter), largest, pieces, free, across)
        if key not in known:
            choice = choose_strip(costs, parameter, largest, free)
            known[key] = with_panels(costs, parameter, choice, pieces, free, across)
        choices.append(known[key])
    return tuple(choices)


def choose_strip(costs: ChainCosts, parameter: int, piece: Piece, free_bytes: int) -> StripChoice:
    """The strip length for a PE that holds ``piece`` and has ``free_bytes`` of SRAM left.

    If none fits, the one with the least bytes.
    """
    if piece.elements == 0 or not costs.segments[parameter]:
        return StripChoice(0, 0, True)
    longest = costs.orders(parameter)  # one round each, for the comparison of strips
    best: StripChoice | None = None
    least: StripChoice | None = None
    quickest, limit = 0, Fraction(0)
    for strip in _candidates(piece.elements):
        bytes_needed = costs.temporary_bytes(parameter, piece, strip)
        if bytes_needed > free_bytes:
            if least is None or bytes_needed < least.temporary_bytes:
                least = StripChoice(strip, bytes_needed, False)
            # sums of rows and columns come in whole elements a strip: few strips may take less
            if best is None and piece.rows:
                continue
            break
        cycles = costs.cycles(parameter, piece, strip, longest)
        if best is None:
            unstripped = costs.cycles(parameter, piece, piece.elements, longest)
            limit = unstripped * (1 + SLOWDOWN_ALLOWED)
        if best is None or cycles < quickest:
            best, quickest = StripChoice(strip, bytes_needed, True), cycles
        if cycles <= limit:
            break
    chosen = best or least
    assert chosen is not None
    return chosen


def with_panels(
    costs: ChainCosts,
    parameter: int,
    choice: StripChoice,
    pieces: Sequence[Piece],
    free_bytes: int,
    across_cycles: int = 0,
) -> StripChoice:
    """The choice with the quickest panels for which every piece has room.

    That is the fewest rounds, or more whose lines leave no bank conflicts. One line at the least;
    if that does not fit, the step does not. ``across_cycles`` is what each round takes beside its
    work, the way of a message over the rectangle.
    """
    orders = costs.orders(parameter)
    if not pieces or not orders:
        return choice
    strip = choice.elements
    known: dict[tuple[object, ...], int] = {}  # iterations of a step repeat their products
    lines = []
    for segment, order in enumerate(orders):
        if not order:
            lines.append(0)
            continue
        held = (costs.product_bytes(parameter, segment, piece, strip, 1) for piece in pieces)
        alike = (costs.form(parameter, segment), *held)
        if alike not in known:
            known[alike] = _quickest_panel(
                costs, parameter, segment, order, strip, pieces, free_bytes, across_cycles
            )
        lines.append(known[alike])
    panels = tuple(lines)
    bytes_needed = max(costs.temporary_bytes(parameter, p, strip, panels) for p in pieces)
    return replace(
        choice,
        temporary_bytes=bytes_needed,
        fits=bytes_needed <= free_bytes,
        lines=panels,
    )


def _quickest_panel(
    costs: ChainCosts,
    parameter: int,
    segment: int,
    order: int,
    strip: int,
    pieces: Sequence[Piece],
    free_bytes: int,
    across_cycles: int,
) -> int:
    """Lines of a panel: as many as the memory allows, or a number that leaves no bank conflicts."""

    def fits(lines: int) -> bool:
        return all(
            costs.product_bytes(parameter, segment, piece, strip, lines) <= free_bytes
            for piece in pieces
        )

    def cycles(lines: int) -> int:
        work = (costs.totals(parameter, segment, piece, strip, lines) for piece in pieces)
        return max(cost.cycles for (cost,) in work) + -(-order // lines) * across_cycles

    rounds = 1 + bisect_left(range(1, order), True, key=lambda n: fits(-(-order // n)))
    longest = -(-order // rounds)
    unit = costs.lines_in_step(parameter, segment)
    most = longest - longest % unit
    while most and most + unit <= order and fits(most + unit):
        most += unit
    if not most:
        return longest
    even = -(-order // -(-order // most))
    return min(longest, most, even + -even % unit, key=cycles)


def _candidates(elements: int) -> list[int]:
    """Powers of two from the shortest strip up, then the whole shard."""
    lengths = []
    length = SHORTEST_STRIP
    while length < elements:
        lengths.append(length)
        length *= 2
    return [*lengths, elements]
