"""Shards: every element once, shares equal to one element, surplus moving on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.placement import block_grid, block_runs, expand, flat_runs
from wse_emulator.placement.shards import next_start

counts = st.integers(0, 500)
lines = st.integers(1, 97)


@given(counts, lines, st.integers(0, 200))
def test_flat_shards_hold_every_element_in_equal_shares(elements: int, pes: int, start: int):
    shards = expand(flat_runs(elements, pes, start))
    assert shards.size == pes
    assert shards.sum() == elements
    assert shards.max() - shards.min() <= 1


@given(st.lists(counts, min_size=1, max_size=12), lines)
def test_surplus_continues_so_that_sums_differ_by_one_element(tensors: list[int], pes: int):
    total, start = 0, 0
    for elements in tensors:
        total = total + expand(flat_runs(elements, pes, start))
        start = next_start(elements, pes, start)
    assert total.max() - total.min() <= 1
    assert total.sum() == sum(tensors)


def test_flat_runs_of_a_surplus_that_wraps_around():
    assert flat_runs(10, 4, 3) == ((1, 3), (2, 2), (1, 3))
    assert flat_runs(0, 3) == ((3, 0),)
    assert flat_runs(1, 1) == ((1, 1),)


@given(st.tuples(counts, counts), lines, lines, st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_blocks_hold_every_element_in_balanced_heights_and_widths(
    matrix: tuple[int, int], rows: int, cols: int, start: tuple[int, int]
):
    grid = block_grid(matrix, rows, cols, start)
    assert (sum(grid.heights), sum(grid.widths)) == matrix
    assert max(grid.heights) - min(grid.heights) <= 1
    assert max(grid.widths) - min(grid.widths) <= 1
    shards = expand(block_runs(grid)).reshape(rows, cols)
    assert [[h * w for w in grid.widths] for h in grid.heights] == shards.tolist()


def test_seven_rows_over_four_pes_leave_no_pe_empty():
    # ceil for all would give 2, 2, 2, 1 with balanced cuts, but 3 of 5 PEs and 2 empty for 5
    assert block_grid((6, 1), 5, 1).heights == (2, 1, 1, 1, 1)
