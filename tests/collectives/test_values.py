"""A reduction gives the sum of its own order of additions, and every order the same to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.activities import ring_order
from wse_emulator.collectives import LineAlgorithm, reduce_2d, reduce_on_fabric, reduce_values
from wse_emulator.collectives.compose import ring_chunks
from wse_emulator.collectives.values import ring_values
from wse_emulator.errors import CollectiveError
from wse_emulator.wafer import WSE2, Region

ALGORITHMS = [
    LineAlgorithm("star"),
    LineAlgorithm("chain"),
    LineAlgorithm("tree"),
    LineAlgorithm("two-phase", 3),
]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=str)
@given(pes=st.integers(1, 40), root=st.integers(0, 39), seed=st.integers(0, 2**16))
def test_every_shard_is_added_exactly_once(
    algorithm: LineAlgorithm, pes: int, root: int, seed: int
) -> None:
    shards = np.random.default_rng(seed).integers(-1000, 1000, (pes, 3)).astype(np.float64)
    total = reduce_values(shards, algorithm, root=min(root, pes - 1))
    np.testing.assert_array_equal(total, shards.sum(axis=0))


def test_the_order_of_additions_is_that_of_the_collective() -> None:
    shards = np.random.default_rng(7).normal(size=8).astype(np.float32)
    chain = shards[7]
    for value in shards[6::-1]:
        chain = value + chain
    assert reduce_values(shards, LineAlgorithm("chain")) == chain
    star = shards[0]
    for value in shards[1:]:
        star = star + value
    assert reduce_values(shards, LineAlgorithm("star")) == star
    pairs = [shards[i] + shards[i + 1] for i in range(0, 8, 2)]
    tree = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
    assert reduce_values(shards, LineAlgorithm("tree")) == tree


def test_an_inner_root_takes_the_left_side_first() -> None:
    shards = np.array([1e8, 1.0, -1e8], dtype=np.float32)
    assert reduce_values(shards, LineAlgorithm("star"), root=1) == np.float32(1.0) + 1e8 - 1e8
    shards = np.array([1e8, -1e8, 1.0], dtype=np.float32)
    assert reduce_values(shards, LineAlgorithm("chain"), root=1) == 1.0


def test_rounding_differs_between_orders_but_stays_small() -> None:
    shards = np.random.default_rng(3).normal(size=(512, 16)).astype(np.float32)
    exact = shards.astype(np.float64).sum(axis=0)
    sums = [reduce_values(shards, algorithm) for algorithm in ALGORITHMS]
    assert any((one != sums[0]).any() for one in sums[1:])
    for total in sums:
        assert np.abs(total - exact).max() < 1e-3


@given(rows=st.integers(1, 7), cols=st.integers(1, 7), seed=st.integers(0, 99))
def test_a_rectangle_is_summed_at_its_root(rows: int, cols: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-99, 99, (rows, cols, 2)).astype(np.float64)
    root = (rows // 2, cols // 3)
    activities = reduce_2d(Region(0, 0, rows, cols), root, 2, WSE2, name="norm", channel="norm")
    held = reduce_on_fabric(values, activities)
    np.testing.assert_array_equal(held[root], values.sum(axis=(0, 1)))


@pytest.mark.parametrize("pes", [1, 2, 3, 8, 9])
def test_a_ring_adds_every_shard_once(pes: int) -> None:
    shards = np.arange(pes * 7, dtype=np.float64).reshape(pes, 7)
    np.testing.assert_array_equal(ring_values(shards), shards.sum(axis=0))
    order = ring_order(pes)
    assert sorted(order) == list(range(pes))
    steps = zip(order, order[1:] + order[:1], strict=True)
    assert all(abs(a - b) <= 2 for a, b in steps)
    assert sum(ring_chunks(7, pes)) == 7


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(CollectiveError, match="butterfly"):
        LineAlgorithm("butterfly")  # type: ignore[arg-type]  # what a wrong word does
    with pytest.raises(CollectiveError, match="group"):
        LineAlgorithm("two-phase")
    with pytest.raises(CollectiveError, match="root 9"):
        reduce_values(np.zeros(4), LineAlgorithm("chain"), root=9)
    with pytest.raises(CollectiveError, match="at least one"):
        reduce_values(np.zeros((0, 4)), LineAlgorithm("chain"))
