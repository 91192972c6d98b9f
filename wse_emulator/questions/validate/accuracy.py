"""How far the model was off where it could be checked: the width of a result's interval."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

CLASS_ERRORS_FILE: Final = "class_errors.json"
"""What ``wse validate`` finds on the package's own records, kept as data so that a run need not
simulate them again. ``python -m tests.questions.validate.class_errors`` writes it, and a test
holds it to the simulation."""


CLASSES: Final = ("allreduce_2d", "reduce_1d", "vector_op")
"""The operations that the activities of a step are taken as."""


@cache
def _class_errors() -> dict[str, float]:
    document = json.loads(files(__package__).joinpath(CLASS_ERRORS_FILE).read_text("utf-8"))
    return {operation: float(error) for operation, error in document["largest_errors"].items()}


def class_error(operation: str) -> float:
    """Largest error of an operation over the published records, as a fraction.

    Records whose machine took its rates from the same source are left out; an operation with no
    other record has error 0, which means unknown.

    Args:
        operation: ``vector_op`` for work on PEs, ``allreduce_2d`` or ``reduce_1d`` for
            collectives.
    """
    return _class_errors().get(operation, 0.0)
