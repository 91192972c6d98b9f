"""The few shapes every schedule is made of, as elementwise operations on integer steps.

The step is an int64 tensor and stays one until it must become a float32: differences, periods and
comparisons are exact at any step, also above 2^24 where float32 no longer holds every integer.
What is left for float32 is one conversion, one scaling and one function, so a rate is within a
few units of its last place of the real value, relative to the largest rate of the schedule.

All functions take a tensor of any shape (0-dim on the wafer, 1-D to tabulate a schedule), are
pure, and return float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

# float32 holds every integer up to 2^24; a product of two 12-bit integers is exact in it.
_HALF_SIGNIFICAND = 12
_STEP_BITS = 62  # of an int64 step
SMALLEST_NORMAL = 2.0**-126
"""Of float32: less is 0 on a machine that flushes what it cannot hold in full."""
# exp(x) overflows float32 above ln(2^128).
_LARGEST_EXPONENT = 128 * math.log(2.0)

Shape = Callable[[Tensor, int], Tensor]
Split = tuple[Tensor, Tensor]
"""A mantissa and an exponent of 2, both float32: numbers beyond what float32 itself holds."""


def line(count: Tensor, whole: int) -> Tensor:
    """``count / whole``: 0 at 0, 1 at `whole`, straight between and beyond."""
    return count.to(torch.float32) / whole


def half_cosine(count: Tensor, whole: int) -> Tensor:
    """``(1 - cos(π·count/whole)) / 2``: 0 at 0, 1 at `whole`, an S between.

    Computed as ``sin²(π·count / (2·whole))``, which has no cancellation near 0.
    """
    sine = torch.sin(count.to(torch.float32) * (math.pi / (2 * whole)))
    return sine * sine


def descend(start: float, end: float, remaining: Tensor, whole: int, shape: Shape) -> Tensor:
    """From `start` (`remaining` = `whole`) to `end` (`remaining` = 0) along `shape`.

    Measured from the smaller of the two rates, so that a rate near it keeps its digits. `shape`
    must satisfy ``shape(whole - c) = 1 - shape(c)``, as :func:`line` and :func:`half_cosine` do.
    """
    if abs(start) >= abs(end):
        return shape(remaining, whole) * (start - end) + end
    return shape(whole - remaining, whole) * (end - start) + start


def fold(step: Tensor, half_period: int) -> Tensor:
    """Steps to the nearest odd multiple of `half_period`: the integer triangle wave.

    `half_period` at step 0, 0 at `half_period`, back at twice that, and so on.
    """
    return ((step % (2 * half_period)) - half_period).abs()


def power(base: float, step: Tensor, whole: int = 1) -> Tensor:
    """``base ** (step / whole)`` for a static ``base >= 0`` and integer steps.

    ``exp(step·ln(base)/whole)``, with the logarithm taken once in double precision. Its error is
    the exponent's rounding, which decay damps. Growth amplifies it, so for ``base > 1`` the
    exponent is split into a part that float32 holds exactly and a small rest.
    """
    if base == 0.0:
        return (step == 0).to(torch.float32)
    slope = math.log(base) / whole
    if slope <= 0.0:
        return torch.exp(step.to(torch.float32) * slope)
    overflow_step = _LARGEST_EXPONENT / slope
    block_bits = math.ceil(math.log2(overflow_step)) - _HALF_SIGNIFICAND
    block = 2 ** min(max(0, block_bits), _STEP_BITS)
    coarse = _leading_bits(block * slope)
    blocks = torch.div(step, block, rounding_mode="floor")
    blocks_float = blocks.to(torch.float32)
    rest = (step - blocks * block).to(torch.float32) * slope
    rest = rest + blocks_float * (block * slope - coarse)
    return torch.exp(blocks_float * coarse) * torch.exp(rest)


def times(value: Tensor, rate: float) -> Tensor:
    """``value · rate``; 0 for a rate of 0, also where the value is beyond float32."""
    return torch.zeros_like(value) if rate == 0.0 else value * rate


def grown(rate: float, base: float, step: Tensor, whole: int = 1) -> Tensor:
    """``rate · base ** (step / whole)``, also where the power alone is beyond float32."""
    whole_power = power(base, step, whole)
    if base <= 1.0 or not 0.0 < rate < 1.0:
        return times(whole_power, rate)
    half = torch.div(step, 2, rounding_mode="floor")
    apart = power(base, half, whole) * rate * power(base, step - half, whole)
    return torch.where(torch.isinf(whole_power), apart, whole_power * rate)


def split_grown(rate: float, base: float, step: Tensor, whole: int = 1) -> Split:
    """``rate · base ** (step / whole)`` as a small number and the power of 2 that it stands before.

    Its product with another stays right where one of them alone is infinite or 0 in float32.
    """
    own, power_of_two = math.frexp(rate)
    if base == 0.0:
        return power(base, step) * own, torch.full_like(step, power_of_two, dtype=torch.float32)
    doublings = step.to(torch.float32) * (math.log2(base) / whole)
    exponent = torch.floor(doublings)
    return torch.exp2(doublings - exponent) * own, exponent + power_of_two


def split(number: Tensor) -> Split:
    """A number from 1 to 2 and the power of 2 that it stands before; infinity is 2^128."""
    beyond = torch.isinf(number)
    usual = (number > 0.0) & ~beyond
    exponent = torch.floor(torch.log2(torch.where(usual, number, 1.0))).clamp(min=-126.0)
    mantissa = torch.where(beyond, torch.sign(number), number * torch.exp2(-exponent))
    return mantissa, torch.where(beyond, 128.0, exponent)


def number_of_split(parts: Split) -> Tensor:
    """The number that a mantissa and its power of 2 stand for; 0 if the mantissa is."""
    mantissa, exponent = parts
    number = torch.exp2(exponent) * mantissa
    return torch.where(mantissa == 0.0, mantissa, number)


def raised(base: Tensor, exponent: float) -> Tensor:
    """``base ** exponent`` for float32 bases of 0 or more and a static exponent above 0.

    Square roots, squares and cubes are torch's own. Others go through exponential and logarithm,
    which round alike for one number and for many; torch's general power does not.
    """
    if exponent in (0.5, 1.0, 2.0, 3.0):
        return torch.pow(base, exponent)
    # an exponent that float32 has as 0 would meet the infinite logarithm of 0
    return torch.exp(torch.log(base) * max(exponent, SMALLEST_NORMAL))


def one_less_raised(part: Tensor, exponent: float) -> Tensor:
    """``1 - (1 - part) ** exponent`` for parts from 0 to 1, with all digits near 0."""
    if exponent == 2.0:
        return part * (2.0 - part)
    return -torch.expm1(torch.log1p(-part) * max(exponent, SMALLEST_NORMAL))


def _leading_bits(value: float) -> float:
    """`value` cut to as many bits as half a float32 significand holds."""
    mantissa, exponent = math.frexp(value)
    scale = 2**_HALF_SIGNIFICAND
    return math.ldexp(math.floor(mantissa * scale) / scale, exponent)
