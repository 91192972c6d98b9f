"""Functions that have no vector instruction, as the sequences of instructions that compute them.

No vector rate is published for reciprocal, square root, exponential, logarithm and cosine. Each is
derived here from documented instructions by the usual method: a start value from the float's bits
and Newton steps for reciprocal and square root; range reduction and a polynomial in Horner's form
for the others. The number of steps is what float32 (24 bits) or a 16-bit float (11 bits) needs.

A vector multiply-add takes one of its factors from a register, so vector * vector + vector is a
multiply and an add. Bit manipulation touches the upper 16-bit word of each float only.
"""

from __future__ import annotations

from dataclasses import dataclass

from wse_emulator.cost.instructions import Instruction


@dataclass(frozen=True, slots=True)
class Floats:
    """Instructions on vectors of one float format; streams lie in memory, scalars in registers.

    Attributes:
        dtype: lane format, ``float32`` or ``float16``.
    """

    dtype: str

    @property
    def size(self) -> int:
        """The bytes of an element."""
        return 4 if self.dtype == "float32" else 2

    def unary(self, op_class: str, passes: int = 1) -> Instruction:
        """An instruction with one memory source and one destination; another operand is in a
        register."""
        return Instruction(op_class, self.dtype, self.size, self.size, 1, passes)

    def binary(self, op_class: str, passes: int = 1) -> Instruction:
        """An instruction with two memory sources and one destination."""
        return Instruction(op_class, self.dtype, 2 * self.size, self.size, 2, passes)

    def bits(self, op_class: str = "integer", passes: int = 1) -> Instruction:
        """An op on one 16-bit word of each element."""
        return Instruction(op_class, "int16", 2, 2, 1, passes)


def reciprocal(floats: Floats, newton_steps: int) -> tuple[Instruction, ...]:
    """1/x: start ``magic - bits(x)`` (12 % off), then ``r *= 2 - x*r``.

    Each step squares the error: 1.4e-2, 2e-4 (enough for 11 bits), 5e-8 (enough for 24 bits).
    """
    return (
        floats.bits(),
        floats.binary("mul", 2 * newton_steps),
        floats.unary("add", newton_steps),
    )


def reciprocal_sqrt(floats: Floats, newton_steps: int) -> tuple[Instruction, ...]:
    """1/sqrt(x): start ``magic - bits(x)/2`` (3.4 % off), then ``y *= 1.5 - (x/2)*y*y``.

    Errors after each step: 1.7e-3, 4.7e-6 (enough for 11 bits), 4e-11 (enough for 24 bits).
    """
    return (
        floats.bits("shift"),
        floats.bits(),
        floats.unary("scale"),
        floats.unary("mul", newton_steps),  # y*y has one source
        floats.binary("mul", 2 * newton_steps),
        floats.unary("add", newton_steps),
    )


def square_root(floats: Floats, newton_steps: int) -> tuple[Instruction, ...]:
    """x * 1/sqrt(x), which is 0 at 0 since the start value is finite there."""
    return (*reciprocal_sqrt(floats, newton_steps), floats.binary("mul"))


def _horner(floats: Floats, degree: int) -> tuple[Instruction, ...]:
    return (floats.binary("mul", degree), floats.unary("add", degree))


def _nearest_multiple(floats: Floats, parts: int) -> tuple[Instruction, ...]:
    """k = round(x*c) by adding and subtracting 1.5*2^23, then x - k*(1/c) in ``parts`` pieces."""
    return (
        floats.unary("mul"),
        floats.unary("add", 2),
        floats.binary("fma", parts),
    )


def exponential(floats: Floats, degree: int) -> tuple[Instruction, ...]:
    """e^x: x = k ln 2 + r, a polynomial in r, and k added to the exponent bits."""
    return (
        *_nearest_multiple(floats, 2),
        *_horner(floats, degree),
        floats.bits("shift"),
        Instruction("integer", "int16", 4, 2, 2),
    )


def logarithm(floats: Floats, degree: int) -> tuple[Instruction, ...]:
    """ln x: exponent bits to a number, mantissa to [1, 2), a polynomial, k ln 2 added."""
    return (
        floats.bits("shift"),
        floats.bits(),
        floats.unary("convert"),
        floats.bits("integer", 2),
        floats.unary("add"),
        *_horner(floats, degree),
        floats.binary("fma"),
    )


def cosine(floats: Floats, degree: int) -> tuple[Instruction, ...]:
    """cos x (and sin x): x = k pi + r, a polynomial in r*r, the sign from the last bit of k."""
    return (
        *_nearest_multiple(floats, 3),
        floats.unary("mul"),
        *_horner(floats, degree),
        floats.bits("shift"),
        Instruction("integer", "int16", 4, 2, 2),
    )


def error_function(floats: Floats, terms: int) -> tuple[Instruction, ...]:
    """erf x = 1 - (a1 t + a2 t^2 + ...) e^(-x^2) with t = 1/(1 + p |x|), and the sign of x.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.25 (3 terms, off by 2.5e-5 at
    most) and 7.1.26 (5 terms, 1.5e-7). Reciprocal and exponential are as accurate as that asks.
    """
    return (
        floats.unary("sign"),
        floats.unary("mul"),
        floats.unary("add"),
        *reciprocal(floats, (terms + 1) // 2),
        *_horner(floats, terms),
        floats.unary("mul"),  # x*x has one source
        floats.unary("sign"),
        *exponential(floats, terms + 1),
        floats.binary("mul"),
        floats.unary("add"),
        floats.bits("integer", 2),  # the sign of x
    )


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived function: the sequence that is costed, and the shortest that a kernel could use.

    Attributes:
        name: what the documentation calls it.
        modelled: accurate to the format.
        shortest: one Newton step, or two polynomial degrees, fewer: the low end of its interval.
    """

    name: str
    modelled: tuple[Instruction, ...]
    shortest: tuple[Instruction, ...]


def derived(function: str, dtype: str) -> Derived:
    """The derived ``function`` in the lane format ``dtype``.

    Args:
        function: reciprocal, rsqrt, sqrt, exp, log, cos or erf.
        dtype: ``float32`` or ``float16``.
    """
    floats = Floats(dtype)
    method, single, half, saving = {
        "reciprocal": (reciprocal, 3, 2, 1),
        "rsqrt": (reciprocal_sqrt, 3, 2, 1),
        "sqrt": (square_root, 3, 2, 1),
        "exp": (exponential, 6, 3, 2),
        "log": (logarithm, 8, 4, 2),
        "cos": (cosine, 5, 3, 2),
        "erf": (error_function, 5, 3, 2),
    }[function]
    steps = single if dtype == "float32" else half
    return Derived(function, method(floats, steps), method(floats, steps - saving))
