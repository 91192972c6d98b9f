"""Bytes of temporaries that the ops of a chain take and give back, for any number of strips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod

from wse_emulator.ops.contractions import Block
from wse_emulator.ops.spaces import Place, Space
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.segments import Buffers, SegmentOp


def bytes_each_pass(
    members: Sequence[SegmentOp], piece: Piece, strip: int
) -> list[tuple[int, int]]:
    """Bytes that each op takes and gives back each time it runs over a strip of a piece."""
    passes = -(-piece.elements // strip)
    return [
        (
            member.allocates_bytes * strip
            + _bytes_beside(member.allocates_beside, piece, passes, once=member.once),
            member.releases_bytes * strip
            + _bytes_beside(member.releases_beside, piece, passes, once=member.once),
        )
        for member in members
    ]


def bytes_over_strips(members: Sequence[SegmentOp], piece: Piece, strip: int) -> tuple[int, int]:
    """What the strips of a piece add to the temporaries' bytes: at the most, and in the end.

    The first strip runs the ops that run once too; all later ones are alike, so that the second or
    the last of them holds the most. However many strips there are, no more are looked at.
    """
    if piece.elements == 0:
        return 0, 0
    strip = min(strip, piece.elements)
    changes = [
        (member.once, change)
        for member, (taken, given) in zip(
            members, bytes_each_pass(members, piece, strip), strict=True
        )
        for change in (taken, -given)
    ]
    highest, after = _highest_and_last([change for _, change in changes])
    later = -(-piece.elements // strip) - 1
    if later:
        again, growth = _highest_and_last([change for once, change in changes if not once])
        highest = max(highest, after + again, after + (later - 1) * growth + again)
        after += later * growth
    return highest, after


def _highest_and_last(changes: Sequence[int]) -> tuple[int, int]:
    """The highest of the sums from the first on, at least 0, and the whole sum."""
    sums = [0, *accumulate(changes)]
    return max(sums), sums[-1]


def bytes_at_once(member: SegmentOp, piece: Piece, strip: int) -> tuple[int, int]:
    """Bytes that an op takes and gives back for all strips of a piece at once."""
    strip = min(strip, piece.elements)
    passes = -(-piece.elements // strip)
    return (
        member.allocates_bytes * passes * strip
        + _bytes_beside(member.allocates_beside, piece, passes, once=True),
        member.releases_bytes * passes * strip
        + _bytes_beside(member.releases_beside, piece, passes, once=True),
    )


def _bytes_beside(buffers: Buffers, piece: Piece, passes: int, *, once: bool) -> int:
    """Bytes of buffers of other sizes than the shard that an op takes each time it runs.

    Those of stacked matrices come and go with the strips, which run through the matrices in
    order: an op that runs once takes the shares of all ``passes`` together.
    """
    taken = 0
    for place, item_bytes in buffers:
        elements = elements_at(place, piece)
        if not isinstance(place, Block):  # whole elements a strip
            elements = -(-elements // passes) * (passes if once else 1)
        taken += item_bytes * elements
    return taken


def elements_at(place: Place, piece: Piece) -> int:
    """Elements of a place on the PE that holds ``piece``."""
    match place:
        case Block(down, across):
            return prod(piece.sides(down, across))
        case Space.SHARD:
            return piece.elements
        case Space.ROWS | Space.STACK_ROWS:
            return piece.rows
        case Space.COLS | Space.STACK_COLS:
            return piece.cols
        case Space.MATRICES:
            return piece.matrices
        case Space.ONE:
            return 1
