"""Occupancy by cycle equals counting, near and far apart in time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.agreement import both, differences
from tests.engines.drawn import Case, machine
from wse_emulator.activities import Multicast, OpChain, VectorOp, Work
from wse_emulator.engines.array.occupancy import Changes, moments
from wse_emulator.wafer.region import Region

TIMES = st.one_of(st.integers(0, 40), st.integers(0, 60_000))


@given(
    st.lists(
        st.tuples(st.lists(TIMES, min_size=1, max_size=9), st.integers(0, 50), st.integers(-3, 3)),
        max_size=5,
    )
)
def test_changes_add_up(added: list[tuple[list[int], int, int]]) -> None:
    changes = Changes()
    counted = np.zeros(60_100, np.int64)
    for times, delay, weight in added:
        when = moments(np.array(times))
        assert when.last == max(times)
        changes.add(when, delay, weight)
        for time in times:
            counted[time + delay :] += weight
    assert changes.by_cycle(60_100).tolist() == counted.tolist()


@given(
    st.lists(
        st.tuples(st.lists(TIMES, min_size=1, max_size=9), st.integers(1, 50), st.booleans()),
        max_size=9,
    ),
    st.integers(0, 30),
)
def test_spans_are_counted_in_each_of_their_cycles(
    spans: list[tuple[list[int], int, bool]], most_waiting: int
) -> None:
    changes = Changes(most_waiting)
    counted = np.zeros(60_100, np.int64)
    for starts, cycles, each_its_own in spans:
        lengths = np.arange(len(starts)) % 3 + cycles if each_its_own else cycles
        changes.span(np.array(starts), lengths)
        for start, length in zip(starts, np.broadcast_to(lengths, len(starts)), strict=True):
            counted[start : start + length] += 1
    assert changes.by_cycle(60_100).tolist() == counted.tolist()


def test_pes_that_are_ready_far_apart() -> None:
    wafer = Region(0, 0, 2, 2)
    ragged = tuple(OpChain((VectorOp(0, c, 0, 8, 8),)) for c in (1, 10, 30_000, 90_000))
    even = OpChain((VectorOp(1, 50, 0, 16, 16),))
    program = (
        Work("ragged", wafer, ragged, tuple((1, i) for i in range(4))),
        Work("even", wafer, (even,), ((4, 0),)),
        Multicast("m", wafer, (1, 0), 40, "m"),
    )
    array, pe = both(Case(machine(rows=2, cols=2), program, np.zeros((2, 2), np.int64)))
    assert differences(array, pe) == []
    assert array.temporary_bytes[[0, 5, 20, 29_999, 30_020, 89_999]].tolist() == [
        32,
        40,
        48,
        16,
        24,
        8,
    ]
