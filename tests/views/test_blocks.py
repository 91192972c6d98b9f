"""Reduced maps keep the worst PE and the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.views.blocks import block_size, reduce_blocks


@given(
    rows=st.integers(1, 40),
    cols=st.integers(1, 40),
    side=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_blocks_keep_maximum_and_mean(rows: int, cols: int, side: int, seed: int) -> None:
    field = np.random.default_rng(seed).integers(0, 1000, (rows, cols))
    largest = reduce_blocks(field, side, "max")
    mean = reduce_blocks(field, side, "mean")
    assert largest.shape == mean.shape == (-(-rows // side), -(-cols // side))
    assert largest.max() == field.max()
    for row in range(largest.shape[0]):
        for col in range(largest.shape[1]):
            block = field[row * side : (row + 1) * side, col * side : (col + 1) * side]
            assert largest[row, col] == block.max()
            assert mean[row, col] == pytest.approx(block.mean())


def test_a_wafer_is_brought_down_to_the_pixels_there_are() -> None:
    assert block_size(4, 4, 520) == 1
    side = block_size(994, 750, 520)
    assert side == 2
    assert -(-994 // side) <= 520
