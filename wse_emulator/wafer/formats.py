"""Number formats of tensors, and which formats of the PE's datapath they use."""

from __future__ import annotations

from typing import Final

BYTES: Final = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "cbfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 2,
    "uint8": 2,
    "bool": 2,
}
"""Bytes an element takes in a PE's memory, stored or moved: no less than a word, since memory is
addressed in 16-bit words (docs.cerebras.net/en/1.6.1/general/cs-1-data-formats, which also gives
cbfloat16 as 1 sign, 6 exponent and 9 mantissa bits)."""

HALF_FLOATS: Final = ("float16", "bfloat16", "cbfloat16")
"""16-bit floats; the PE treats all of them alike (a compiler option chooses the format)."""


def is_float(dtype: str) -> bool:
    """Whether the format is a floating-point one."""
    return "float" in dtype


def lane_dtype(dtype: str) -> str:
    """The name of a tensor's format in the lane table."""
    if dtype in HALF_FLOATS:
        return "float16"
    return "float32" if dtype == "float32" else "int16"
