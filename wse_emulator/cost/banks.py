"""SRAM banks: when the two memory sources of an instruction conflict.

Successive 16-bit words lie in successive banks, and two 32-bit reads of a cycle must fall into
banks that differ modulo the number of bank groups (CSL language reference, appendix). Where both
sources advance in step their distance is fixed, so the start addresses decide for the whole
vector. The rule is the same everywhere: a step's operands are placed so that they do not conflict
wherever that is possible; arrays that a linker packs one after another usually do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
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
    first, second = (
        {(address // _WORD_BYTES + word) % groups for word in range(_READ_WORDS)}
        for address in (first_address, second_address)
    )
    return bool(first & second)


def packed_addresses(sizes_bytes: Sequence[int], alignment_bytes: int = 4) -> tuple[int, ...]:
    """Byte addresses of arrays that a linker places one after another, without padding."""
    aligned = [-(-size // alignment_bytes) * alignment_bytes for size in sizes_bytes]
    return tuple(accumulate(aligned[:-1], initial=0)) if aligned else ()
