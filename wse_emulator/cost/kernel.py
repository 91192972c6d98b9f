"""Kernel: the instructions of one tensor op, written down as a kernel author would write them.

The same rules serve vectors and 0-dim tensors: an instruction between registers alone is a scalar
op and costs its scalar cycles once; one with a memory operand runs over the shard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from wse_emulator.cost.instructions import Instruction, instruction_cycles
from wse_emulator.cost.sequences import sequence
from wse_emulator.cost.starts import Start
from wse_emulator.wafer.formats import BYTES, HALF_FLOATS, is_float, lane_dtype
from wse_emulator.wafer.library import FUNCTIONS, Evidence
from wse_emulator.wafer.spec import WaferSpec

_SOFTWARE_FLOAT64_OPS: Final = 20
"""Scalar float32 ops of one float64 op on pairs of float32: an exact sum of high parts (6), one of
low parts (6), two sums and two renormalisations (3 each) of a sum (Knuth; Dekker)."""
_LEAST_SOFTWARE_OPS: Final = 11
"""The same where low parts are added without their error."""
_MOST_SOFTWARE_OPS: Final = 24
"""Of a product whose factors are split in halves first."""


_IN_LIBRARY: Final[dict[str, tuple[str, ...]]] = {
    "reciprocal": ("division",),
    "sin": ("cos",),
    "expm1": ("exp",),
    "log1p": ("log",),
    "sigmoid": ("exp", "division"),
}
"""Function -> the functions of the library that stand for it, where it has another name."""


class UnsupportedFormatError(Exception):
    """The PE has no vector arithmetic in this number format; becomes an error that names the op."""


@dataclass(frozen=True, slots=True)
class OpCost:
    """Cycles of one tensor op on one PE, by what they rest on.

    Attributes:
        evidence_cycles, counted_cycles, own_cycles: of the three classes of
            :data:`wse_emulator.wafer.library.EVIDENCE`; ``own`` is the class ``ours``.
        low_cycles, high_cycles: between which two figures the evidence leaves all of it.
        functions: functions of vectors that it computes, by their names in ``FUNCTIONS``.
    """

    evidence_cycles: int
    counted_cycles: int
    own_cycles: int
    low_cycles: int
    high_cycles: int
    functions: frozenset[str] = frozenset()

    @property
    def cycles(self) -> int:
        """What the engines charge: the cycles of all classes."""
        return self.evidence_cycles + self.counted_cycles + self.own_cycles

    def __add__(self, other: OpCost) -> OpCost:
        return OpCost(
            self.evidence_cycles + other.evidence_cycles,
            self.counted_cycles + other.counted_cycles,
            self.own_cycles + other.own_cycles,
            self.low_cycles + other.low_cycles,
            self.high_cycles + other.high_cycles,
            self.functions | other.functions,
        )

    def times(self, count: int) -> OpCost:
        """The cost of so many of it."""
        return OpCost(
            self.evidence_cycles * count,
            self.counted_cycles * count,
            self.own_cycles * count,
            self.low_cycles * count,
            self.high_cycles * count,
            self.functions,
        )


def cost_of(
    cycles: int,
    evidence: Evidence,
    interval: tuple[int, int] | None = None,
    functions: frozenset[str] = frozenset(),
) -> OpCost:
    """Cycles that all rest on one class of evidence.

    Args:
        cycles: what the engines charge.
        evidence: the class.
        interval: the least and the most; None: they are known.
        functions: functions of vectors that they compute.
    """
    low, high = interval or (cycles, cycles)
    return OpCost(
        cycles if evidence == "evidence" else 0,
        cycles if evidence == "counted" else 0,
        cycles if evidence == "ours" else 0,
        low,
        high,
        functions,
    )


FREE: Final = OpCost(0, 0, 0, 0, 0)


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

        Nobody timed one. Accumulating into one word is documented; here every partial sum is
        written too. At the low end a plain add, at the high end two scalar ops an element (an add
        that waits for the one before it, and a store).
        """
        size = BYTES[x.dtype]
        lanes = self._float_lanes(x.dtype) if is_float(x.dtype) else "int16"
        modelled = self._cycles(Instruction("reduce", lanes, size, size))
        added = "add" if is_float(x.dtype) else "integer"
        low = min(modelled, self._cycles(Instruction(added, lanes, 2 * size, size, 2)))
        high = self.spec.launch_cycles + 2 * self.spec.scalar_op_cycles * self.elements
        self.cost += cost_of(modelled, "ours", (low, max(modelled, high)))
        return Operand(x.dtype, vector=True)

    def sign_mask(self, x: Operand) -> Operand:
        """Spread the sign bit over a 16-bit mask."""
        if not x.vector:
            self._scalar("int16", 1)
            return Operand("bool", vector=False)
        self._instruction(Instruction("shift", "int16", 2, 2))
        return Operand("bool", vector=True)

    def function(self, function: str, x: Operand) -> Operand:
        """A function of ``x``: a call of the library for each element, or vector instructions.

        Args:
            function: reciprocal, rsqrt, sqrt, exp, log, cos, tanh or erf; in vector form also
                expm1, log1p, sin and sigmoid, which the library lacks.
            x: its argument. A word takes one call of the library, whatever the machine says.
        """
        if x.constant:
            return x
        named = _IN_LIBRARY.get(function, (function,))
        if x.vector and not is_float(x.dtype):
            raise UnsupportedFormatError(f"no vector {FUNCTIONS[named[0]]} in {x.dtype}")
        if not x.vector:
            self._scalar_call(named[0], x.dtype)
        elif self.calls_library(x):
            self._calls(named[0], x.dtype)
        else:
            self._sequence(function, named, x.dtype)
        return Operand(x.dtype, vector=x.vector)

    def calls_library(self, x: Operand) -> bool:
        """Whether a function of ``x`` is a call of the library."""
        return not x.vector or self.spec.functions == "library"

    def divide(self, x: Operand, y: Operand, dtype: str) -> Operand:
        """x / y: by a number a multiply; by a scalar one scalar reciprocal and a multiply; by a
        vector one call of the library an element, or a sequence of vector instructions."""
        if y.constant:
            return self.emit("mul", x, y, dtype=dtype)
        if not y.vector:
            self._scalar_call("division", y.dtype)
            return self.emit("mul", x, y, dtype=dtype) if x.vector else Operand(dtype, False)
        if (
            not self.calls_library(y)
            and x.vector
            and x.dtype == y.dtype == dtype
            and is_float(dtype)
        ):
            self._sequence("division", ("division",), dtype)
            return Operand(dtype, vector=True)
        inverse = self.function("reciprocal", y)
        if (x.constant and not x.vector) or self.calls_library(y):
            return Operand(dtype, vector=True)
        return self.emit("mul", x, inverse, dtype=dtype)

    def _calls(self, function: str, dtype: str) -> None:
        """One call of the library for each element of the shard, by ``@map``.

        At the high end of its interval the calls stand in a scalar loop, whose jump back comes on
        top of each.
        """
        if not self.elements:
            return
        spec, call = self.spec, self.spec.library_call(function, self._float_lanes(dtype))
        cycles, low, high = (
            spec.launch_cycles + each * self.elements
            for each in (call.cycles, call.low_cycles, call.high_cycles + spec.loop_jump_cycles)
        )
        self.cost += cost_of(cycles, call.evidence, (low, high), frozenset({function}))

    def _sequence(self, function: str, named: tuple[str, ...], dtype: str) -> None:
        """A function as vector instructions over the shard, which nobody timed as a whole.

        At the high end of its interval every instruction with two sources finds them in one bank.
        """
        self._float_lanes(dtype)  # float64 has none
        instructions = sequence(function, dtype).instructions
        cycles = sum(self._cycles(instruction) for instruction in instructions)
        high = sum(
            instruction_cycles(instruction, self.elements, self.spec, bank_conflict=True)
            for instruction in instructions
        )
        self.cost += cost_of(cycles, "ours", (cycles, high), frozenset(named))

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
        self.cost += cost_of(cycles, "evidence")

    def _scalar(self, dtype: str, count: int) -> None:
        cycles = self.spec.scalar_op_cycles * count
        if dtype == "float64":
            self._software(cycles)
        else:
            self.cost += cost_of(cycles * max(1, BYTES[dtype] // 4), "evidence")

    def _software(self, cycles: int) -> None:
        """Ops of float64 on pairs of float32: documented operations that nobody timed together."""
        low, mid, high = (
            cycles * operations
            for operations in (_LEAST_SOFTWARE_OPS, _SOFTWARE_FLOAT64_OPS, _MOST_SOFTWARE_OPS)
        )
        self.cost += cost_of(mid, "ours", (low, high))

    def _scalar_call(self, function: str, dtype: str) -> None:
        """One call of the library on a word.

        A float64 takes two calls in float32 and a product and a sum in software, which is one
        correction by what the first call left over. An integer takes the float32 call for each of
        its 32-bit words, since no document states its division.
        """
        lanes = lane_dtype(dtype) if is_float(dtype) and dtype != "float64" else "float32"
        call = self.spec.library_call(function, lanes)
        calls = max(1, BYTES[dtype] // 4)
        cycles, low, high = (
            each * calls for each in (call.cycles, call.low_cycles, call.high_cycles)
        )
        evidence = call.evidence if is_float(dtype) else "ours"
        self.cost += cost_of(cycles, evidence, (low, high))
        if dtype == "float64":
            self._software(2 * self.spec.scalar_op_cycles)


def _widest(operands: tuple[Operand, ...]) -> str:
    """Format of the result: that of the widest operand, vectors and floats before others."""
    ranked = sorted(
        operands,
        key=lambda x: (is_float(x.dtype), x.vector, not x.constant, BYTES[x.dtype]),
    )
    return ranked[-1].dtype
