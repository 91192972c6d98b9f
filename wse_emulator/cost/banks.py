"""SRAM banks: when the two memory sources of an instruction conflict.

Successive 16-bit words lie in successive banks, and two 32-bit reads of a cycle must fall into
banks that differ modulo the number of bank groups (CSL language reference, appendix). Where both
sources advance in step their distance is fixed, so the start addresses decide for the whole
vector. The rule is the same everywhere: a step's operands are placed so that they do not conflict
wherever that is possible; arrays that a linker packs one after another usually do.

A product reads each line of one array with each line of another. Lines lie one after another, so
their starts differ by whole lines, and which pairs conflict repeats every few lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from math import gcd
from typing import Final

from wse_emulator.wafer.spec import WaferSpec

_WORD_BYTES: Final = 2
_READ_WORDS: Final = 2  # a source is read 32 bits at a time


def sources_conflict(first_address: int, second_address: int, spec: WaferSpec) -> bool:
    """Whether two vectors that are read in step collide in the banks.

    Args:
        first_address, second_address: byte addresses of their first elements, 16-bit aligned.
        spec: the machine.
    """
    groups = spec.sram_bank_groups
    return _collide(
        first_address // _WORD_BYTES % groups, second_address // _WORD_BYTES % groups, groups
    )


@lru_cache(maxsize=1024)
def _collide(first_word: int, second_word: int, groups: int) -> bool:
    first, second = (
        {(word + more) % groups for more in range(_READ_WORDS)}
        for word in (first_word, second_word)
    )
    return bool(first & second)


def conflicts_in_step(
    first: tuple[int, int], second: tuple[int, int], elements: int, spec: WaferSpec
) -> int:
    """Elements whose two sources conflict, where the sources advance by strides of their own.

    Args:
        first, second: byte address of a source's first element, and bytes from each to the next.
        elements: how many are read.
        spec: the machine.

    Example:
        A column of a matrix, 16 elements of 4 bytes apart, beside a vector: half of them conflict.

        >>> from wse_emulator.wafer import WSE3
        >>> conflicts_in_step((0, 4), (256, 64), 10, WSE3)
        5
    """
    repeat = bank_period_bytes(spec) // _WORD_BYTES  # strides are whole words
    return sum(
        -(-(elements - one) // repeat)
        for one in range(min(elements, repeat))
        if sources_conflict(first[0] + one * first[1], second[0] + one * second[1], spec)
    )


def packed_addresses(sizes_bytes: Sequence[int], alignment_bytes: int = 4) -> tuple[int, ...]:
    """Byte addresses of arrays that a linker places one after another, without padding."""
    aligned = [-(-size // alignment_bytes) * alignment_bytes for size in sizes_bytes]
    return tuple(accumulate(aligned[:-1], initial=0)) if aligned else ()


def bank_period_bytes(spec: WaferSpec) -> int:
    """After so many bytes the banks repeat: addresses that differ by them are alike."""
    return _WORD_BYTES * spec.sram_bank_groups


@dataclass(frozen=True, slots=True)
class LinesInMemory:
    """Lines of an array, one after another in memory.

    Attributes:
        number: how many there are.
        line_bytes: bytes of one.
        start: byte address of the first.
    """

    number: int
    line_bytes: int
    start: int = 0

    def places(self, period: int) -> dict[int, int]:
        """How many of them begin at each address modulo ``period``."""
        repeat = period // gcd(self.line_bytes, period)  # addresses repeat after as many lines
        return {
            (self.start + line * self.line_bytes) % period: -(-(self.number - line) // repeat)
            for line in range(min(self.number, repeat))
        }


def conflicting_pairs(first: LinesInMemory, second: LinesInMemory, spec: WaferSpec) -> int:
    """Pairs of a line of each array that conflict when they are read in step.

    >>> from wse_emulator.wafer import WSE2
    >>> conflicting_pairs(LinesInMemory(3, 12), LinesInMemory(2, 12), WSE2)  # every other one
    3
    """
    period = bank_period_bytes(spec)
    others = second.places(period)
    return sum(
        count * other
        for place, count in first.places(period).items()
        for at, other in others.items()
        if sources_conflict(place, at, spec)
    )


def unavoidable_pairs(first: LinesInMemory, second: LinesInMemory, spec: WaferSpec) -> int:
    """The same where the second array begins at the word that makes the fewest pairs conflict.

    >>> from wse_emulator.wafer import WSE2
    >>> unavoidable_pairs(LinesInMemory(3, 16), LinesInMemory(2, 16), WSE2)
    0
    """
    period = bank_period_bytes(spec)
    starts = range(0, period, _WORD_BYTES * _READ_WORDS)
    return min(conflicting_pairs(first, replace(second, start=start), spec) for start in starts)
