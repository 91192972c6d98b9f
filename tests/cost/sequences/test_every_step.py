"""Cost and value read the same steps: none of them can be left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.cost.sequences.measured import DTYPES, arguments
from wse_emulator.cost.sequences import VECTOR_FUNCTIONS, evaluate, sequence
from wse_emulator.cost.sequences.rounding import Floats

EVERY = 65_521 * 8
"""Some 8,000 bit patterns of float32, beside the edges."""


def some(function: str, dtype: str) -> tuple[Floats, ...]:
    given = arguments(function, dtype, EVERY)
    if dtype == "float32":
        # more where exponentials and angles lie
        middle = np.linspace(-20, 20, 20_001, dtype=np.float32)
        return tuple(np.concatenate([x, middle[:: 1 - 2 * n]]) for n, x in enumerate(given))
    ends = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan], np.float32)
    if function == "division":
        given = tuple(x[: 1 << 16] for x in given)
    # the last steps of log1p and tanh show in few values of bfloat16
    every = 1 if dtype == "bfloat16" else 5
    return tuple(np.concatenate([x[::every], ends[:: 1 - 2 * n]]) for n, x in enumerate(given))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", VECTOR_FUNCTIONS)
def test_no_step_can_be_left_out(function: str, dtype: str) -> None:
    given = some(function, dtype)
    whole = sequence(function, dtype)
    expected = evaluate(whole, *given)
    assert len(whole.instructions) == len(whole.steps)
    for index, step in enumerate(whole.steps):
        shorter = replace(whole, steps=whole.steps[:index] + whole.steps[index + 1 :])
        assert len(shorter.instructions) == len(whole.instructions) - 1
        got = evaluate(shorter, *given)
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        assert not same.all(), f"step {index}, {step.operation}, changes nothing"
