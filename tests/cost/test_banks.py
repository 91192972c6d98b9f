"""Placement of operands in banks decides who conflicts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wse_emulator.cost.banks import (
    LinesInMemory,
    conflicting_pairs,
    packed_addresses,
    sources_conflict,
    unavoidable_pairs,
)
from wse_emulator.ops.streams import unavoidable_conflicts
from wse_emulator.program import Arguments, Read, TensorOp
from wse_emulator.wafer import WSE2


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        (0, 4, False),  # the documented best: sources 4 bytes apart modulo 8
        (0, 8, True),
        (0, 0, True),
        (4, 16, False),
        (0, 2, True),  # overlapping 32-bit reads
    ],
)
def test_the_documented_rule(first: int, second: int, conflict: bool) -> None:
    assert sources_conflict(first, second, WSE2) is conflict
    assert sources_conflict(second, first, WSE2) is conflict


def test_arrays_of_whole_eight_bytes_packed_by_a_linker_conflict() -> None:
    panel, result = packed_addresses([64 * 48 * 4, 64 * 64 * 4])
    assert sources_conflict(panel, result, WSE2)
    padded, moved = packed_addresses([64 * 48 * 4 + 4, 64 * 64 * 4])
    assert not sources_conflict(padded, moved, WSE2)


lines = st.builds(
    LinesInMemory, st.integers(0, 30), st.integers(1, 40).map(lambda words: 2 * words)
)


@given(lines, lines, st.integers(0, 7))
def test_conflicting_pairs_are_those_that_conflict_one_by_one(
    first: LinesInMemory, second: LinesInMemory, start: int
) -> None:
    second = replace(second, start=4 * start)
    starts = [
        [array.start + line * array.line_bytes for line in range(array.number)]
        for array in (first, second)
    ]
    each = sum(sources_conflict(one, other, WSE2) for one, other in product(*starts))
    assert conflicting_pairs(first, second, WSE2) == each
    assert unavoidable_pairs(first, second, WSE2) <= each


@pytest.mark.parametrize(
    ("line_bytes", "of_100"),
    [(16, 0), (8, 0), (4, 50), (12, 50), (2, 75), (10, 75), (24, 0)],
)
def test_lines_of_whole_pairs_of_words_can_lie_apart(line_bytes: int, of_100: int) -> None:
    array = LinesInMemory(20, line_bytes)
    assert unavoidable_pairs(array, replace(array, number=40), WSE2) == 800 * of_100 // 100


def add(index: int, first: int, second: int) -> TensorOp:
    shape = (8,)
    arguments = Arguments({"self": Read(0), "other": Read(1), "alpha": 1})
    return TensorOp(
        index,
        "aten.add.Tensor",
        0,
        (first, second),
        (first,),
        shape,
        "float32",
        arguments,
        (shape, shape),
    )


def test_a_triangle_of_operands_cannot_be_kept_apart() -> None:
    assert unavoidable_conflicts([add(0, 1, 2), add(1, 2, 3)]) == frozenset()
    assert unavoidable_conflicts([add(0, 1, 2), add(1, 2, 3), add(2, 1, 3)]) == {2}
    assert unavoidable_conflicts([add(0, 1, 1)]) == frozenset()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
def test_what_remains_can_be_placed(pairs: list[tuple[int, int]]) -> None:
    conflicting = unavoidable_conflicts([add(i, a, b) for i, (a, b) in enumerate(pairs)])
    kept = [(a, b) for i, (a, b) in enumerate(pairs) if i not in conflicting and a != b]
    placements = product((0, 4), repeat=5)
    assert any(
        all(not sources_conflict(words[a], words[b], WSE2) for a, b in kept) for words in placements
    )
