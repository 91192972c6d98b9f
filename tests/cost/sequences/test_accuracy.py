"""Every sequence reaches the accuracy that its page claims."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.cost.sequences.measured import DENSER, DTYPES, LINES, measured
from tests.cost.sequences.tables import HEADINGS, PAGE, page
from wse_emulator.cost.sequences import VECTOR_FUNCTIONS, evaluate, sequence
from wse_emulator.cost.sequences.rounding import rounded


def rows() -> Iterator[list[str]]:
    """The rows of the page's main table."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    heading = "| " + " | ".join(HEADINGS) + " |"
    assert heading in lines
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield line.strip("| ").split(" | ")


def test_the_page_is_what_is_measured() -> None:
    """Of float32 every 1,021st bit pattern and the edges, of 16-bit formats all values.

    Making the tables holds NaN and overflow too: see ``measured`` and ``main_table``.
    """
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run make docs"


def test_every_row_keeps_its_line() -> None:
    found = list(rows())
    assert [(row[0], row[1]) for row in found] == [
        (function, dtype) for function in VECTOR_FUNCTIONS for dtype in DTYPES
    ]
    for row in found:
        assert float(row[4]) <= LINES.get(row[0], 2.0), row


@pytest.mark.deep
@pytest.mark.parametrize("function", VECTOR_FUNCTIONS)
def test_float32_keeps_its_line_between_the_samples(function: str) -> None:
    found = measured(function, "float32", DENSER)
    assert found.normal <= LINES.get(function, 2.0)
    assert found.overflow is not False


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_step_relies_on(dtype: str) -> None:
    """States are 0 where no gradient came, and an overflow must stay an infinity."""
    x = rounded(np.array([0, np.inf, np.nan, -1], np.float32), dtype)
    root = evaluate(sequence("sqrt", dtype), x)
    assert root[:2].tolist() == [0, np.inf]
    assert np.isnan(root[2:]).all()
    assert evaluate(sequence("reciprocal", dtype), x)[:2].tolist() == [np.inf, 0]
    assert evaluate(sequence("exp", dtype), x)[:2].tolist() == [1, np.inf]
    for function in VECTOR_FUNCTIONS:
        given = (x,) if function != "division" else (x, x)
        assert np.isnan(evaluate(sequence(function, dtype), *given)[2]), function


@pytest.mark.parametrize("dtype", DTYPES)
def test_quotients_of_edges(dtype: str) -> None:
    edges = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan], np.float32)
    x, y = (side.ravel() for side in np.meshgrid(edges, edges))
    with np.errstate(all="ignore"):
        expected = x / y
    assert np.array_equal(evaluate(sequence("division", dtype), x, y), expected, equal_nan=True)
