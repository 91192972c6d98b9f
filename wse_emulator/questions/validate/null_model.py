"""The null model: two numbers a + b x size, fitted to the scored records of an operation.

It knows nothing of a machine. What a mechanism explains shows beside it: two numbers that are
fitted to the records they are judged by are hard to beat with none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LEAST_RECORDS: Final = 3
"""Two numbers meet two records exactly, which says nothing."""


@dataclass(frozen=True, slots=True)
class NullModel:
    """A straight line through the published values of an operation.

    Attributes:
        group, operation: whose records it was fitted to.
        size_words: its size in words.
        constant, slope: a and b of a + b x size, in the records' unit.
        count: number of records.
    """

    group: str
    operation: str
    size_words: str
    constant: float
    slope: float
    count: int

    def value(self, size: float) -> float:
        """What the line says of a record of that size."""
        return self.constant + self.slope * size


def line_through(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float] | None:
    """The line with the least squares of relative errors.

    Args:
        sizes: one a record.
        values: published, above 0.

    Returns:
        Constant and slope; None for fewer than ``LEAST_RECORDS`` records or equal sizes.

    Example:
        >>> from wse_emulator.questions.validate.null_model import line_through
        >>> line_through([1, 2, 3], [3, 5, 7])
        (1.0, 2.0)
    """
    if len(values) < LEAST_RECORDS or len(set(sizes)) == 1:
        return None
    middle = sum(sizes) / len(sizes)
    weights = [1 / value**2 for value in values]
    shifted = [size - middle for size in sizes]
    total = sum(weights)
    first = sum(w * x for w, x in zip(weights, shifted, strict=True))
    second = sum(w * x * x for w, x in zip(weights, shifted, strict=True))
    heights = sum(1 / value for value in values)
    products = sum(x / value for x, value in zip(shifted, values, strict=True))
    determinant = total * second - first * first
    if determinant <= 0:  # equal but for rounding
        return None
    slope = (total * products - first * heights) / determinant
    constant = (heights - slope * first) / total
    return constant - slope * middle, slope
