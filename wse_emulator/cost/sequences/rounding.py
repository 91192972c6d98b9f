"""The float formats of a PE: rounding to the nearest, ties to even, and the 16 bits of a value.

A value of a 16-bit format is held as the float32 that equals it. cbfloat16 is taken as IEEE-like
(subnormals, infinities, NaN), which no document states.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Words = NDArray[np.uint16]

FORMATS: Final = {
    "float32": (23, 127),
    "float16": (10, 15),
    "bfloat16": (7, 127),
    "cbfloat16": (9, 31),
}
"""Format -> bits of its mantissa, largest exponent."""


@np.errstate(all="ignore")
def rounded(values: Floats, dtype: str) -> Floats:
    """``values`` rounded once to ``dtype``: nearest, ties to even, beyond the largest infinity."""
    if dtype == "float32":
        return values
    if dtype == "float16":
        return values.astype(np.float16).astype(np.float32)
    if dtype == "bfloat16":
        bits = values.view(np.uint32)
        nearest = bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))
        kept = np.where(values != values, bits | np.uint32(0x0040_0000), nearest)
        return (kept & np.uint32(0xFFFF_0000)).view(np.float32)
    return _rounded_by_exponent(values, *FORMATS[dtype])


def _rounded_by_exponent(values: Floats, mantissa: int, largest_exponent: int) -> Floats:
    exponent = np.frexp(values)[1] - 1
    unit = np.maximum(exponent, 1 - largest_exponent) - mantissa
    nearest = np.ldexp(np.rint(np.ldexp(values, -unit)), unit)
    beyond = np.abs(nearest) >= 2.0 ** (largest_exponent + 1)
    limited = np.where(beyond, np.copysign(np.float32(np.inf), values), nearest)
    return np.where(np.isfinite(values), limited, values).astype(np.float32)


@np.errstate(all="ignore")
def multiply_add(addend: Floats, x: Floats, factor: float, dtype: str) -> Floats:
    """``addend + x * factor``, rounded once to ``dtype``.

    The product of two float32 values is exact in float64, and the sum is rounded there. Rounding
    it again gives what one rounding gives, except for sums halfway between two values and for
    subnormal ones; those are rounded to odd first (the last bit says that a sum is inexact).
    """
    product = x.astype(np.float64) * float(np.float32(factor))
    total = product + addend
    if dtype != "float32":
        return rounded(_odd_single(_odd_sum(product, addend.astype(np.float64))), dtype)
    result: Floats = total.astype(np.float32)
    halfway = (total.view(np.int64) & 0x1FFF_FFFF) == 0x1000_0000
    doubtful = np.flatnonzero(halfway | (np.abs(total) < 2.0**-126))
    if doubtful.size:
        addends = np.broadcast_to(addend, total.shape)[doubtful].astype(np.float64)
        result[doubtful] = _odd_sum(product[doubtful], addends).astype(np.float32)
    return result


def _odd_sum(product: Doubles, other: Doubles) -> Doubles:
    """The sum; where it is inexact, the neighbour whose last bit is 1."""
    total = product + other
    back = total - product
    error = (product - (total - back)) + (other - back)
    inexact = (error != 0) & np.isfinite(total) & np.isfinite(error)
    return _made_odd(total, inexact, (error > 0) == (total > 0))


def _odd_single(values: Doubles) -> Floats:
    """float32 values, rounded to odd."""
    single = values.astype(np.float32)
    inexact = (single != values) & np.isfinite(values)
    bits = single.view(np.int32)
    even = inexact & ((bits & 1) == 0)
    outward = np.abs(values) > np.abs(single)
    return (bits + np.where(even, np.where(outward, 1, -1), 0).astype(np.int32)).view(np.float32)


def _made_odd(total: Doubles, inexact: NDArray[np.bool_], outward: NDArray[np.bool_]) -> Doubles:
    bits = total.view(np.int64)
    even = inexact & ((bits & 1) == 0)
    return (bits + np.where(even, np.where(outward, 1, -1), 0)).view(np.float64)


@np.errstate(all="ignore")
def words_of(values: Floats, dtype: str) -> Words:
    """The 16 bits in which the 16-bit format ``dtype`` stores each of its ``values``."""
    if dtype == "float16":
        half: Words = values.astype(np.float16).view(np.uint16)
        return half
    bits = values.view(np.uint32)
    if dtype == "bfloat16":
        return (bits >> np.uint32(16)).astype(np.uint16)
    mantissa, largest_exponent = FORMATS[dtype]
    shifted = (values * np.float32(2.0 ** (largest_exponent - 127))).view(np.uint32)
    finite = (shifted & np.uint32(0x7FFF_FFFF)) >> np.uint32(23 - mantissa)
    special = np.uint32(0x8000 - (1 << mantissa)) | (
        (bits & np.uint32(0x007F_FFFF)) >> np.uint32(23 - mantissa)
    )
    magnitude = np.where(np.isfinite(values), finite, special)
    words: Words = (magnitude | ((bits >> np.uint32(16)) & np.uint32(0x8000))).astype(np.uint16)
    return words


@np.errstate(all="ignore")
def values_of(words: Words, dtype: str) -> Floats:
    """The values that ``words`` have in the 16-bit format ``dtype``."""
    if dtype == "float16":
        return words.view(np.float16).astype(np.float32)
    wide = words.astype(np.uint32)
    if dtype == "bfloat16":
        return (wide << np.uint32(16)).view(np.float32)
    mantissa, largest_exponent = FORMATS[dtype]
    magnitude = (wide & np.uint32(0x7FFF)) << np.uint32(23 - mantissa)
    finite = magnitude.view(np.float32) * np.float32(2.0 ** (127 - largest_exponent))
    special = (magnitude | np.uint32(0x7F80_0000)).view(np.float32)
    value = np.where(finite < 2.0 ** (largest_exponent + 1), finite, special)
    return np.where(words >= 0x8000, -value, value)
