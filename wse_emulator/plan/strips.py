"""How long a strip of each tensor's chain is: short enough for SRAM, long enough to be quick.

Each strip pays the launch cost of its ops again, and each strip element costs the bytes of the
temporaries live at once. The plan takes the shortest strip within 1 % of the unstripped time, and
if that does not fit, the longest that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from wse_emulator.placement.pieces import Piece, largest_piece
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
        cycles: cycles of the chains on that PE.
        unstripped_cycles: the same in one strip.
        fits: whether the temporaries fit beside what is resident.
    """

    elements: int
    temporary_bytes: int
    cycles: int
    unstripped_cycles: int
    fits: bool


def choose_strips(
    costs: ChainCosts, placement: Placement, free_bytes: Sequence[int]
) -> tuple[StripChoice, ...]:
    """One choice a parameter; ``free_bytes[i]`` is the SRAM left on the fullest PE that holds a
    piece of parameter i."""
    known: dict[tuple[object, ...], StripChoice] = {}
    choices = []
    for parameter, tensor in enumerate(placement.tensors):
        largest = largest_piece(tensor)
        forms = tuple(
            costs.form(parameter, segment) for segment in range(len(costs.segments[parameter]))
        )
        key = (forms, largest, free_bytes[parameter])
        if key not in known:
            known[key] = choose_strip(costs, parameter, largest, free_bytes[parameter])
        choices.append(known[key])
    return tuple(choices)


def choose_strip(costs: ChainCosts, parameter: int, piece: Piece, free_bytes: int) -> StripChoice:
    """The strip length for a PE that holds ``piece`` and has ``free_bytes`` of SRAM left."""
    if piece.elements == 0 or not costs.segments[parameter]:
        return StripChoice(0, 0, 0, 0, True)
    unstripped = costs.cycles(parameter, piece, piece.elements)
    limit = unstripped * (1 + SLOWDOWN_ALLOWED)
    best: StripChoice | None = None
    for strip in _candidates(piece.elements):
        cycles = costs.cycles(parameter, piece, strip)
        bytes_needed = costs.temporary_bytes(parameter, piece, strip)
        choice = StripChoice(strip, bytes_needed, cycles, unstripped, bytes_needed <= free_bytes)
        if best is None or (choice.fits and choice.cycles < best.cycles):
            best = choice
        if cycles <= limit or not choice.fits:
            break
    assert best is not None
    return best


def _candidates(elements: int) -> list[int]:
    """Powers of two from the shortest strip up, then the whole shard."""
    lengths = []
    length = SHORTEST_STRIP
    while length < elements:
        lengths.append(length)
        length *= 2
    return [*lengths, elements]
