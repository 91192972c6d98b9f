"""Functions that have no vector instruction, as sequences of instructions that compute them.

``sequence`` names the steps, ``evaluate`` computes them on arrays, and their cost follows from the
same steps (``Sequence.instructions``).
"""

from __future__ import annotations

from wse_emulator.cost.sequences.catalog import VECTOR_FUNCTIONS, sequence
from wse_emulator.cost.sequences.executor import evaluate

__all__ = ["VECTOR_FUNCTIONS", "evaluate", "sequence"]
