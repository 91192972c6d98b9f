"""Kernel: the instructions of one tensor op, written down as a kernel author would write them.

The same rules serve vectors and 0-dim tensors: an instruction between registers alone is a scalar
op and costs its scalar cycles once; one with a memory operand runs over the shard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from wse_emulator.cost.instructions import Instruction, instruction_cycles
from wse_emulator.cost.sequences import derived
from wse_emulator.cost.starts import Start
from wse_emulator.wafer.formats import BYTES, HALF_FLOATS, is_float, lane_dtype
from wse_emulator.wafer.spec import WaferSpec

_SOFTWARE_FLOAT64_OPS: Final = 20
"""Scalar float32 ops of one float64 op in double-float arithmetic (two-sum, two-product)."""


class UnsupportedFormatError(Exception):
    """The PE has no vector arithmetic in this number format; becomes an error that names the op."""


@dataclass(frozen=True, slots=True)
class OpCost:
    """Cycles of one tensor op on one PE.

    Attributes:
        cycles: what the engines charge.
        unsourced_cycles: the part of it that rests on costs no document states.
        low_cycles, high_cycles: the interval of those costs; both equal ``cycles`` without them.
    """

    cycles: int
    unsourced_cycles: int
    low_cycles: int
    high_cycles: int

    def __add__(self, other: OpCost) -> OpCost:
        return OpCost(
            self.cycles + other.cycles,
            self.unsourced_cycles + other.unsourced_cycles,
            self.low_cycles + other.low_cycles,
            self.high_cycles + other.high_cycles,
        )


FREE: Final = OpCost(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand of an instruction: a stream in memory, or a word in a register.

    Attributes:
        dtype: tensor format.
        vector: streamed from memory.
        constant: a number known before the run (its reciprocal, say, costs nothing).
    """

    dtype: str
    vector: bool
    constant: bool = False


def scalar_argument(dtype: str) -> Operand:
    """A Python number among the arguments."""
    return Operand(dtype, vector=False, constant=True)


@dataclass(slots=True)
class Kernel:
    """Collects the cost of one op, instruction by instruction.

    Attributes:
        spec: the machine.
        elements: elements of the shard.
        bank_conflict: two memory sources lie in the same bank group.
        cost: what was emitted so far.
    """

    spec: WaferSpec
    elements: int
    bank_conflict: bool = False
    cost: OpCost = field(default=FREE)

    def emit(
        self,
        op_class: str,
        *operands: Operand,
        dtype: str | None = None,
        passes: int = 1,
        start: Start = Start.LOADS_DESCRIPTORS,
    ) -> Operand:
        """One instruction; returns its result.

        Args:
            op_class: a key of ``OP_CLASSES``.
            operands: its sources.
            dtype: format of the result; None: the widest of the operands.
            passes: how many times it is issued.
            start: how it starts, if it runs over vectors of floats.
        """
        wide = dtype or _widest(operands)
        if not any(operand.vector for operand in operands):
            if not all(operand.constant for operand in operands):
                self._scalar(wide, passes)
            constant = bool(operands) and all(operand.constant for operand in operands)
            return Operand(wide, vector=False, constant=constant)
        streams = [operand for operand in operands if operand.vector]
        self._vector(op_class, streams, wide, passes, start)
        return Operand(wide, vector=True)

    def fill(self, dtype: str, *, vector: bool) -> Operand:
        """Store one value all over the result."""
        if not vector:
            self._scalar(dtype, 1)
            return Operand(dtype, vector=False)
        size = BYTES[dtype]
        lanes, words = ("int16", size // 2) if size != 4 else ("float32", 1)
        self._instruction(Instruction("move", lanes, 0, size, 0, 1, words))
        return Operand(dtype, vector=True)

    def bits(self, *operands: Operand, dtype: str, passes: int = 1) -> Operand:
        """Bitwise ops on whole elements, 16 bits at a time."""
        if not any(operand.vector for operand in operands):
            self._scalar(dtype, passes)
            return Operand(dtype, vector=False)
        streams = [operand for operand in operands if operand.vector]
        size = BYTES[dtype]
        reads = sum(BYTES[operand.dtype] for operand in streams)
        self._instruction(
            Instruction("integer", "int16", reads, size, len(streams), passes, size // 2)
        )
        return Operand(dtype, vector=True)

    def reduce(self, x: Operand) -> Operand:
        """Accumulate a vector into one word, which stays in a register."""
        size = BYTES[x.dtype]
        lanes = self._float_lanes(x.dtype) if is_float(x.dtype) else "int16"
        self._instruction(Instruction("reduce", lanes, size, 0))
        return Operand(x.dtype, vector=False)

    def running_sum(self, x: Operand) -> Operand:
        """Partial sums along a line, each one stored.

        No document states a rate. Accumulating into one word is documented; here every partial
        sum is written too. At the low end a plain add, at the high end two scalar ops an element
        (an add that waits for the one before it, and a store).
        """
        size = BYTES[x.dtype]
        lanes = self._float_lanes(x.dtype) if is_float(x.dtype) else "int16"
        modelled = self._cycles(Instruction("reduce", lanes, size, size))
        added = "add" if is_float(x.dtype) else "integer"
        low = min(modelled, self._cycles(Instruction(added, lanes, 2 * size, size, 2)))
        high = self.spec.launch_cycles + 2 * self.spec.scalar_op_cycles * self.elements
        self.cost += OpCost(modelled, modelled, low, max(modelled, high))
        return Operand(x.dtype, vector=True)

    def sign_mask(self, x: Operand) -> Operand:
        """Spread the sign bit over a 16-bit mask."""
        if not x.vector:
            self._scalar("int16", 1)
            return Operand("bool", vector=False)
        self._instruction(Instruction("shift", "int16", 2, 2))
        return Operand("bool", vector=True)

    def function(self, function: str, x: Operand) -> Operand:
        """A derived function of ``x``: reciprocal, rsqrt, sqrt, exp, log, cos or erf."""
        if x.constant:
            return x
        if not x.vector:
            # a square root and a division; an exponential and a division
            self._scalar_function(2 if function in ("rsqrt", "erf") else 1)
            return x
        lanes = self._float_lanes(x.dtype)
        sequence = derived(function, lanes)
        shortest = sum(self._cycles(step) for step in sequence.shortest)
        modelled = shortest
        if not self.spec.short_functions:
            modelled = sum(self._cycles(step) for step in sequence.modelled)
        scalar_loop = 0
        if self.elements:
            per_element = self.spec.scalar_divide_cycles
            scalar_loop = self.spec.launch_cycles + per_element * self.elements
        self.cost += OpCost(modelled, modelled, shortest, max(modelled, scalar_loop))
        return Operand(x.dtype, vector=True)

    def divide(self, x: Operand, y: Operand, dtype: str) -> Operand:
        """x / y: by a number a multiply; by a scalar one scalar reciprocal and a multiply."""
        if y.constant:
            return self.emit("mul", x, y, dtype=dtype)
        if not y.vector:
            self._scalar_divide(y.dtype)
            return self.emit("mul", x, y, dtype=dtype) if x.vector else Operand(dtype, False)
        inverse = self.function("reciprocal", y)
        if x.constant and not x.vector:
            return inverse
        return self.emit("mul", x, inverse, dtype=dtype)

    def _vector(
        self, op_class: str, streams: list[Operand], dtype: str, passes: int, start: Start
    ) -> None:
        reads = sum(BYTES[operand.dtype] for operand in streams)
        size = BYTES[dtype]
        if not is_float(dtype):
            self._integer_vector(op_class, reads, dtype, len(streams), passes)
            return
        narrow = [operand for operand in streams if operand.dtype in HALF_FLOATS]
        lanes = self._float_lanes(dtype)
        if narrow and lanes == "float32":
            if op_class in ("add", "fma", "product"):
                lanes = "mixed"  # 16-bit operands accumulated in float32
            elif op_class != "convert":
                # one pass widens each 16-bit operand, the op then reads the wide copy
                self._instruction(Instruction("convert", "mixed", 2, 4, 1, len(narrow)))
                reads += 2 * len(narrow)
        self._instruction(
            Instruction(op_class, lanes, reads, size, len(streams), passes, start=start)
        )

    def _integer_vector(
        self, op_class: str, reads: int, dtype: str, sources: int, passes: int
    ) -> None:
        size = BYTES[dtype]
        words = size // 2
        if op_class == "move":
            lanes, count = ("float32", 1) if size == 4 else ("int16", words)
            self._instruction(Instruction("move", lanes, reads, size, sources, passes, count))
        elif op_class in ("add", "sign", "max"):
            self._instruction(Instruction("integer", "int16", reads // words, 2, sources, passes))
            if words > 1:
                more = Instruction(
                    "carry", "int16", reads // words, 2, sources, passes * (words - 1)
                )
                self._instruction(more)
        elif op_class == "convert":
            self._instruction(Instruction("convert", "mixed", reads, size, sources, passes))
        else:
            raise UnsupportedFormatError(f"no vector {op_class} in {dtype}")

    def _float_lanes(self, dtype: str) -> str:
        if dtype == "float64":
            raise UnsupportedFormatError("no vector arithmetic in float64")
        return lane_dtype(dtype)

    def _cycles(self, instruction: Instruction) -> int:
        return instruction_cycles(
            instruction, self.elements, self.spec, bank_conflict=self.bank_conflict
        )

    def _instruction(self, instruction: Instruction) -> None:
        cycles = self._cycles(instruction)
        self.cost += OpCost(cycles, 0, cycles, cycles)

    def _scalar(self, dtype: str, count: int) -> None:
        cycles = self.spec.scalar_op_cycles * count
        if dtype == "float64":
            cycles *= _SOFTWARE_FLOAT64_OPS
            self.cost += OpCost(cycles, cycles, cycles // 2, 2 * cycles)
            return
        cycles *= max(1, BYTES[dtype] // 4)
        self.cost += OpCost(cycles, 0, cycles, cycles)

    def _scalar_divide(self, dtype: str) -> None:
        cycles = self.spec.scalar_divide_cycles * max(1, BYTES[dtype] // 4)
        # the one published figure is of float32; other formats rest on it as an assumption
        unsourced = 0 if dtype == "float32" else cycles
        self.cost += OpCost(cycles, unsourced, cycles, cycles)

    def _scalar_function(self, count: int) -> None:
        spec = self.spec
        cycles = count * spec.scalar_function_cycles
        low = count * spec.scalar_function_low_cycles
        self.cost += OpCost(cycles, cycles, low, count * spec.scalar_function_high_cycles)


def _widest(operands: tuple[Operand, ...]) -> str:
    """Format of the result: that of the widest operand, vectors and floats before others."""
    ranked = sorted(
        operands,
        key=lambda x: (is_float(x.dtype), x.vector, not x.constant, BYTES[x.dtype]),
    )
    return ranked[-1].dtype
