"""Steps of a sequence: vector instructions with their operation, destination and sources named.

A step says everything that its cost and its value follow from. ``instruction_of`` reads the op
class, the format and the bytes from it; ``executor`` computes its result from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wse_emulator.cost.instructions import Instruction
from wse_emulator.wafer.formats import BYTES, lane_dtype

OPERATIONS: Final = {
    "fadd": "add",
    "fsub": "add",
    "fmul": "mul",
    "fmac": "fma",
    "fmax": "max",
    "fneg": "sign",
    "fabs": "sign",
    "fscale": "scale",
    "convert": "convert",
    "mov16": "move",
    "add16": "integer",
    "sub16": "integer",
    "and16": "integer",
    "or16": "integer",
    "xor16": "integer",
    "sll16": "shift",
    "slr16": "shift",
    "sar16": "shift",
}
"""Operation -> its op class, the key of the lane table that decides its rate."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A vector in the memory of a PE, one element of it for each element of the tensor.

    Attributes:
        name: what steps call it.
        dtype: ``float32``, a 16-bit float, or ``int16``.
    """

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Word:
    """A 16-bit word of every element of a float stream.

    Attributes:
        stream: the stream; a 16-bit float has an upper word only, which is all of it.
        half: ``upper`` (sign, exponent and first bits of the mantissa) or ``lower``.
    """

    stream: Stream
    half: Literal["upper", "lower"]


Source = Stream | Word | float
"""A source of a step: a stream, a word of each of its elements, or a number in a register."""


@dataclass(frozen=True, slots=True)
class Step:
    """One vector instruction.

    Attributes:
        operation: a key of ``OPERATIONS``.
        destination: the stream, or the word of a stream, that it writes.
        sources: its operands, in order. ``fmac`` is ``first + second * third`` with the third in a
            register, ``fscale`` is ``first * 2**second`` with the second in a register.
    """

    operation: str
    destination: Stream | Word
    sources: tuple[Source, ...]


def instruction_of(step: Step) -> Instruction:
    """The instruction that ``step`` costs: op class, rate format and bytes by its operands.

    A stream that is read twice, as in ``y * y``, is one memory source. A convert, and a sum of a
    16-bit and a float32 stream, run at the rate of ``mixed`` operands.
    """
    op_class = OPERATIONS[step.operation]
    read = dict.fromkeys(source for source in step.sources if not isinstance(source, (int, float)))
    operands = [step.destination, *read]
    if op_class in ("integer", "shift", "move"):
        return Instruction(op_class, "int16", 2 * len(read), 2, len(read))
    formats = {lane_dtype(operand.dtype) for operand in operands if isinstance(operand, Stream)}
    lanes = formats.pop() if len(formats) == 1 else "mixed"
    reads = sum(BYTES[source.dtype] for source in read if isinstance(source, Stream))
    writes = BYTES[step.destination.dtype] if isinstance(step.destination, Stream) else 2
    return Instruction(op_class, lanes, reads, writes, len(read))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A function of vectors as the steps that compute it, one after another.

    Attributes:
        function: reciprocal, division, rsqrt, sqrt, exp, expm1, log, log1p, cos, sin, tanh,
            sigmoid or erf.
        dtype: format of its inputs and its result.
        inputs: the streams it reads: x, or numerator and denominator.
        result: the stream that holds the result.
        steps: its instructions.
    """

    function: str
    dtype: str
    inputs: tuple[Stream, ...]
    result: Stream
    steps: tuple[Step, ...]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """What the steps cost, one instruction a step."""
        return tuple(instruction_of(step) for step in self.steps)


def upper_word(stream: Stream) -> Word:
    """The word with sign and exponent of each element."""
    return Word(stream, "upper")


def lower_word(stream: Stream) -> Word:
    """The word with the last 16 bits of each float32 element."""
    return Word(stream, "lower")


def step(operation: str, destination: Stream | Word, *sources: Source) -> Step:
    """A step; the same as ``Step`` with its sources written one after another."""
    return Step(operation, destination, sources)


def polynomial(result: Stream, x: Stream, coefficients: tuple[float, ...]) -> tuple[Step, ...]:
    """A polynomial in ``x`` by Horner's rule, two steps a degree.

    Args:
        result: where it is computed.
        x: the argument.
        coefficients: from the highest power to the constant; two at least.
    """
    first, second, *others = coefficients
    steps = [step("fmul", result, x, first), step("fadd", result, result, second)]
    for coefficient in others:
        steps += [step("fmul", result, result, x), step("fadd", result, result, coefficient)]
    return tuple(steps)
