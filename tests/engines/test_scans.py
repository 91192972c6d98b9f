"""Scans against the recurrences they stand for, one element after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.engines.array.scans import (
    first_come_first_served,
    largest,
    link_requests,
    relay_starts,
    windowed_maximum,
)

TIMES = st.integers(0, 500)


def lists(length: int) -> st.SearchStrategy[list[int]]:
    return st.lists(TIMES, min_size=length, max_size=length)


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(TIMES, lists(n), lists(n))), st.integers(1, 2)
)
def test_link_requests(drawn: tuple[int, list[int], list[int]], hop: int) -> None:
    head, free, waits = drawn
    asked = []
    here = head
    for left, wait in zip(free, waits, strict=True):
        asked.append(max(here, left))
        here = asked[-1] + wait + hop
    rows = [np.array([values, values]) for values in (free, waits)]
    heads = np.array([head, head])
    assert link_requests(heads, len(free), hop, *rows).tolist() == [asked, asked]
    plain = link_requests(heads, len(free), hop, None, None)
    assert plain.tolist() == [[head + q * hop for q in range(len(free))]] * 2


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(lists(n), lists(n - 1))))
def test_relay_starts(drawn: tuple[list[int], list[int]]) -> None:
    ready, latency = drawn
    starts = ready[:1]
    for able, stage in zip(ready[1:], latency, strict=True):
        starts.append(max(able, starts[-1] + stage))
    assert relay_starts(np.array([ready]), np.array([latency], np.int64)).tolist() == [starts]
    one = relay_starts(np.array([ready]), 7).tolist()
    assert one == relay_starts(np.array([ready]), np.full((1, len(latency)), 7)).tolist()


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=40), st.integers(1, 50))
def test_windowed_maximum(values: list[int], window: int) -> None:
    expected = [max(values[max(0, i - window + 1) : i + 1]) for i in range(len(values))]
    assert windowed_maximum(np.array(values), window).tolist() == expected
    assert int(largest(np.array([values]))[0]) == max(values)


@given(st.lists(st.tuples(TIMES, st.integers(1, 60)), min_size=1, max_size=12))
def test_first_come_first_served(requests: list[tuple[int, int]]) -> None:
    requests.sort()
    free = 0
    granted = []
    for asked, cycles in requests:
        granted.append(max(asked, free))
        free = granted[-1] + cycles
    asked, cycles = (np.array(column) for column in zip(*requests, strict=True))
    assert first_come_first_served(asked, cycles).tolist() == granted
