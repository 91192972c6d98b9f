"""Vector instructions: what a PE issues, and what each costs.

One instruction walks over n elements: ``start + ceil(max(n / lanes, bytes read / read width,
bytes written / write width))`` cycles in exact rationals, 0 for n = 0. A bank conflict of its two
memory sources multiplies the lane and the read term. How it starts decides what the start costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from wse_emulator.cost.starts import Start, start_cycles
from wse_emulator.wafer.spec import WaferSpec

_OF_TWO_SOURCES: Final = frozenset({"add", "mul", "fma", "product", "max", "integer", "carry"})
"""Op classes whose plain instruction reads two vectors from memory."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One vector instruction over the elements of a shard.

    Attributes:
        op_class: a key of ``wse_emulator.wafer.lanes.OP_CLASSES``.
        dtype: machine format that decides the rate.
        reads: bytes read from memory for each element, over all memory sources.
        writes: bytes written to memory for each element.
        sources: memory sources; only two or more can conflict in the banks.
        passes: how many times the instruction is issued; each starts anew.
        words: elements of the datapath that an element of the tensor takes; 2 where the 16-bit
            halves of a 32-bit word are taken apart.
        start: how it starts.
    """

    op_class: str
    dtype: str
    reads: int
    writes: int
    sources: int = 1
    passes: int = 1
    words: int = 1
    start: Start = Start.LOADS_DESCRIPTORS


def instruction_cycles(
    instruction: Instruction, elements: int, spec: WaferSpec, *, bank_conflict: bool = False
) -> int:
    """The cycles of one instruction over ``elements`` elements, in all its passes.

    Args:
        instruction: what is issued.
        elements: elements of the shard or strip; 0 costs nothing.
        spec: the machine.
        bank_conflict: the two memory sources lie in the same bank group.

    Raises:
        WaferSpecError: the machine has no rate for the instruction.
    """
    if elements == 0:
        return 0
    rate = spec.lane_rate(instruction.op_class, instruction.dtype)
    start = start_cycles(instruction.start, spec, loading=rate.launch_cycles)
    element = element_cycles(instruction, spec, bank_conflict=bank_conflict)
    return instruction.passes * (start + ceil(elements * element))


def element_cycles(
    instruction: Instruction, spec: WaferSpec, *, bank_conflict: bool = False
) -> Fraction:
    """The cycles an element of one pass, its start apart: by the lanes, or by a port.

    Args:
        instruction, spec, bank_conflict: as in :func:`instruction_cycles`.

    Raises:
        WaferSpecError: the machine has no rate for the instruction.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> element_cycles(plain_instruction("fma", "float16"), WSE2)
        Fraction(1, 4)
    """
    rate = spec.lane_rate(instruction.op_class, instruction.dtype)
    computing = instruction.words / rate.elements_per_cycle
    reading = Fraction(instruction.reads, spec.sram_read_bytes_per_cycle)
    writing = Fraction(instruction.writes, spec.sram_write_bytes_per_cycle)
    if bank_conflict and instruction.sources > 1:
        computing *= spec.bank_conflict_factor
        reading *= spec.bank_conflict_factor
    return max(computing, reading, writing)


def vector_op_cycles(
    op_class: str, dtype: str, elements: int, spec: WaferSpec, *, bank_conflict: bool = False
) -> int:
    """The cycles of a plain vector op between operands in memory, as published tables state them.

    ``y = y + a*x`` reads y and x and writes y; a copy reads one source and writes one.

    Args:
        op_class: a key of ``OP_CLASSES``.
        dtype: ``float16`` (any 16-bit float), ``float32`` or ``int16``.
        elements: length of the vectors.
        spec: the machine.
        bank_conflict: the two memory sources lie in the same bank group.
    """
    instruction = plain_instruction(op_class, dtype)
    return instruction_cycles(instruction, elements, spec, bank_conflict=bank_conflict)


def plain_instruction(op_class: str, dtype: str) -> Instruction:
    """An instruction between operands in memory: ``y = y + a*x`` reads y and x and writes y, a
    copy reads one source and writes one, an accumulation reads one and writes a register.

    Args:
        op_class: a key of ``OP_CLASSES``.
        dtype: ``float16`` (any 16-bit float), ``float32`` or ``int16``.
    """
    size = 4 if dtype == "float32" else 2
    sources = 2 if op_class in _OF_TWO_SOURCES else 1
    writes = 0 if op_class == "reduce" else size
    return Instruction(op_class, dtype, sources * size, writes, sources)
