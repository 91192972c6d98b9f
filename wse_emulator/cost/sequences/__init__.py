"""Functions that have no vector instruction, as sequences of instructions that compute them.

``sequence`` names the steps, ``evaluate`` computes them on arrays, and their cost follows from the
same steps (``Sequence.instructions``).
"""

from __future__ import annotations

from wse_emulator.cost.sequences.catalog import FUNCTIONS as FUNCTIONS
from wse_emulator.cost.sequences.catalog import sequence as sequence
from wse_emulator.cost.sequences.executor import evaluate as evaluate
from wse_emulator.cost.sequences.unproven import Derived
from wse_emulator.cost.sequences.unproven import derived as _unproven


def derived(function: str, dtype: str) -> Derived:
    """The cost of ``function`` in ``dtype``: its sequence."""
    if function in FUNCTIONS and dtype == "float32":
        steps = sequence(function, dtype).instructions
        return Derived(function, steps, steps)
    return _unproven(function, "float32" if dtype == "float32" else "float16")


__all__ = ["FUNCTIONS", "Derived", "derived", "evaluate", "sequence"]
