"""How far the model was off where it could be checked: the width of a result's interval."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import ceil, floor

from wse_emulator.questions.validate.measurements import read_measurements
from wse_emulator.questions.validate.report import summarise, validate


@cache
def class_error(operation: str) -> float:
    """Largest error of an operation over the published records, as a fraction.

    Records whose machine took its rates from the same source are left out; an operation with no
    other record has error 0, which means unknown.
    """
    records = [record for record in read_measurements() if record.operation == operation]
    checked = [c for c in validate(records).comparisons if not c.consistency]
    return summarise(checked).max_abs_error if checked else 0.0


def interval(
    low_cycles: int, high_cycles: int, operations: Iterable[str] = ("vector_op",)
) -> tuple[int, int]:
    """Cycles widened by the largest validation error of the operation classes they contain.

    Args:
        low_cycles, high_cycles: the range that unsourced costs leave.
        operations: classes the time consists of: ``vector_op`` for work on PEs, ``allreduce_2d``
            or ``reduce_1d`` for collectives.
    """
    error = max((class_error(operation) for operation in operations), default=0.0)
    return floor(low_cycles * (1 - error)), ceil(high_cycles * (1 + error))
