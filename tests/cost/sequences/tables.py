"""The tables of docs/vector_functions.md, made by evaluating the sequences.

python -m tests.cost.sequences.tables      # writes the page; so does make docs
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

from tests.cost.sequences.measured import DTYPES, Measured, measured
from tests.generated_tables import markdown_table, with_table
from wse_emulator.cost.instructions import element_cycles
from wse_emulator.cost.sequences import VECTOR_FUNCTIONS, evaluate, sequence
from wse_emulator.cost.sequences.rounding import rounded
from wse_emulator.wafer import WSE2

PAGE: Final = Path(__file__).parents[3] / "docs" / "vector_functions.md"

HEADINGS: Final = (
    "function",
    "format",
    "instructions",
    "cycles, WSE-2",
    "largest error",
    "subnormal arguments",
    "subnormal results",
)

EDGES: Final = (0.0, -0.0, float("inf"), float("-inf"), float("nan"), -1.0)

EDGE_HEADINGS: Final = ("of", "0", "-0", "infinity", "-infinity", "NaN", "-1")


def each_element(function: str, dtype: str) -> Fraction:
    """Cycles an element on a WSE-2, starts apart."""
    instructions = sequence(function, dtype).instructions
    return sum((element_cycles(one, WSE2) for one in instructions), Fraction(0))


def main_table() -> list[str]:
    """One row a function and format."""
    rows = []
    for function in VECTOR_FUNCTIONS:
        for dtype in DTYPES:
            found = measured(function, dtype)
            assert found.overflow is not False, f"{function} in {dtype}: overflow is not infinite"
            rows.append(_row(function, dtype, found))
    return markdown_table(HEADINGS, rows)


def _row(function: str, dtype: str, found: Measured) -> tuple[str, ...]:
    count = len(sequence(function, dtype).steps)
    each = float(each_element(function, dtype))
    return (
        function,
        dtype,
        str(count),
        f"{count} starts + {each:.2f} n",
        f"{found.normal:.2f}",
        _judged(found.subnormal_arguments),
        _judged(found.subnormal_results),
    )


def _judged(units: float | None) -> str:
    if units is None:
        return "none"
    return "right" if units <= 2 else "off"


def edge_table() -> list[str]:
    """One row a function; formats that differ get rows of their own."""
    rows = []
    for function in VECTOR_FUNCTIONS:
        if function == "division":
            continue
        cells = [(dtype, _edges(function, dtype)) for dtype in DTYPES]
        for values, alike in groupby(sorted(cells, key=lambda cell: cell[1]), lambda cell: cell[1]):
            formats = [dtype for dtype, _ in alike]
            name = function if len(formats) == len(DTYPES) else f"{function}, {', '.join(formats)}"
            rows.append((name, *values))
    return markdown_table(EDGE_HEADINGS, rows)


def _edges(function: str, dtype: str) -> tuple[str, ...]:
    x = rounded(np.array(EDGES, np.float32), dtype)
    return tuple(_word(float(value)) for value in evaluate(sequence(function, dtype), x))


def _word(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return "0" if value == 0 else f"{value:.2g}"


def page(text: str) -> str:
    """The page with both tables made again."""
    return with_table(with_table(text, main_table()), edge_table())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
