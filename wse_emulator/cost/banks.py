"""SRAM banks: when the two memory sources of an instruction get in each other's way.

Successive 16-bit words lie in successive banks, and two 32-bit reads of a cycle must fall into
banks that differ modulo the number of bank groups (CSL language reference, appendix). Where both
sources advance in step their distance is fixed, so the start addresses decide for the whole
vector. The rule is the same everywhere: a step's operands are placed so that they do not conflict
wherever that is possible; arrays that a linker packs one after another usually do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from wse_emulator.program import StepProgram, TensorOp
from wse_emulator.wafer.spec import WaferSpec

_WORD_BYTES: Final = 2
_READ_WORDS: Final = 2  # a source is read 32 bits at a time

_PAIR_POSITIONS: Final = {
    "addcmul": (1, 2),  # the product b*c; a meets it as a temporary, which can lie anywhere
    "addcdiv": (),
    "where": (1, 2),
    "div": (),  # by way of the reciprocal, a temporary
    "pow": (),
    "mm": (),  # a number of one factor times a line of the other, into sums that lie anywhere
    "addmm": (),
    "copy": (),
    "fill": (),
    "zero": (),
}
"""Ops whose two streams are not simply their first two tensor arguments."""


def sources_conflict(first_address: int, second_address: int, spec: WaferSpec) -> bool:
    """Whether two vectors that are read in step collide in the banks.

    Args:
        first_address, second_address: byte addresses of their first elements, 16-bit aligned.
        spec: the machine.
    """
    groups = spec.sram_bank_groups
    first, second = (
        {(address // _WORD_BYTES + word) % groups for word in range(_READ_WORDS)}
        for address in (first_address, second_address)
    )
    return bool(first & second)


def packed_addresses(sizes_bytes: Sequence[int], alignment_bytes: int = 4) -> tuple[int, ...]:
    """Byte addresses of arrays that a linker places one after another, without padding."""
    aligned = [-(-size // alignment_bytes) * alignment_bytes for size in sizes_bytes]
    return tuple(accumulate(aligned[:-1], initial=0)) if aligned else ()


def read_in_step(op: TensorOp) -> tuple[int, int] | None:
    """The two values in memory that one instruction of the op reads together, if it has such.

    A value read twice is one stream. Temporaries inside an op can be placed anywhere.
    """
    positions = _PAIR_POSITIONS.get(op.base_name, (0, 1))
    # out= names where the result goes and is not read
    sources = len(op.reads) - op.name.endswith("out")
    if len(positions) < 2 or sources <= max(positions):
        return None
    if any(_numel(op.read_shapes[position]) <= 1 for position in positions):
        return None
    first, second = (op.reads[position] for position in positions)
    return None if first == second else (first, second)


def _numel(shape: Iterable[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def unavoidable_conflicts(ops: Iterable[TensorOp]) -> frozenset[int]:
    """Indices of the ops whose sources cannot be kept apart.

    A vector starts on an even or an odd 32-bit word; two that are read together need one each.
    The values are coloured in program order, so an op conflicts exactly if it closes an odd cycle
    with the ops before it.
    """
    neighbours: dict[int, list[int]] = {}
    conflicting = set()
    for op in ops:
        pair = read_in_step(op)
        if pair is None:
            continue
        if _same_side(neighbours, *pair):
            conflicting.add(op.index)
            continue
        for one, other in (pair, pair[::-1]):
            neighbours.setdefault(one, []).append(other)
    return frozenset(conflicting)


def _same_side(neighbours: dict[int, list[int]], start: int, goal: int) -> bool:
    """Whether the edges so far force two values onto words of the same parity."""
    side = {start: 0}
    queue = deque([start])
    while queue:
        value = queue.popleft()
        if value == goal:
            return side[value] == 0
        for other in neighbours.get(value, ()):
            if other not in side:
                side[other] = 1 - side[value]
                queue.append(other)
    return False


def step_conflicts(program: StepProgram, owner: int | None) -> frozenset[int]:
    """Ops of one parameter's step that pay the bank-conflict factor under the best placement."""
    return unavoidable_conflicts(program.ops_of(owner))
