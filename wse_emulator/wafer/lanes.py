"""How many elements a PE computes in a cycle, by class of op and number format."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

OP_CLASSES: Final = {
    "move": "copy between memory locations (mov16, mov32, fmovh, fmovs)",
    "add": "floating add and subtract (fadd*, fsub*)",
    "mul": "floating multiply (fmul*)",
    "fma": "floating multiply-add with one scalar factor, y = y + a*x (fmac*)",
    "product": "multiply-add of a matrix product's inner loop, which steps from column to column",
    "max": "floating maximum, and minimum by the same datapath (fmax*)",
    "sign": "floating negate and absolute value (fneg*, fabs*)",
    "scale": "floating scaling by a power of two, exponent extraction (fscale*, fnorm*)",
    "convert": "conversion between number formats (fh2s, fs2h)",
    "integer": "16-bit integer add, subtract, and, or, xor (add16, sub16, and16, or16, xor16)",
    "carry": "16-bit integer add with carry (addc16)",
    "shift": "16-bit shifts (sll16, slr16, sar16)",
    "reduce": "accumulation of a vector into one word",
}
"""Op class -> what it covers. Each vector instruction the cost model issues is of one class."""

LANE_DTYPES: Final = ("float16", "float32", "mixed", "int16")
"""Machine formats: any 16-bit float, float32, 16-bit operands accumulated in float32, integer."""


@dataclass(frozen=True, slots=True)
class LaneRate:
    """The rate of one class of op in one number format.

    Attributes:
        op_class: a key of ``OP_CLASSES``.
        dtype: a member of ``LANE_DTYPES``.
        elements_per_cycle: the rate, as an exact fraction.
        launch_cycles: launch of this class, where it was measured; None for the machine's own.
    """

    op_class: str
    dtype: str
    elements_per_cycle: Fraction
    launch_cycles: int | None = None


def rates(table: dict[str, dict[str, int | str]]) -> tuple[LaneRate, ...]:
    """Make rates from ``{op class: {format: elements per cycle}}``; a string is taken exactly."""
    return tuple(
        LaneRate(op_class, dtype, Fraction(rate))
        for op_class, row in table.items()
        for dtype, rate in row.items()
    )


WSE2_LANES: Final = rates(
    {
        "move": {"float16": 4, "float32": 2, "int16": 4},
        "add": {"float16": 4, "float32": 2, "mixed": 2},
        "mul": {"float16": 4, "float32": 1, "mixed": 1},
        "fma": {"float16": 4, "float32": 1, "mixed": 2},
        "product": {"float16": 4, "float32": 1, "mixed": 2},
        "max": {"float16": 1, "float32": 1},
        "sign": {"float16": 2, "float32": 2},
        "scale": {"float16": 2, "float32": 2},
        "convert": {"float16": 1, "float32": 1, "mixed": 1},
        "integer": {"int16": 4},
        "carry": {"int16": 1},
        "shift": {"int16": 1},
        "reduce": {"float16": "1/2", "float32": "1/2", "mixed": "1/2", "int16": "1/2"},
    }
)
"""WSE-1 and WSE-2. A class the table of the SDK leaves out runs at one element a cycle."""
