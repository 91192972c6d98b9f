"""Loops: a program with loops is its unrolled program, in both engines."""

from __future__ import annotations

import pytest

from tests.engines.looped import looped_case, timed, unlike_unrolled
from wse_emulator.activities import unroll


def differ(seed: int) -> list[str]:
    """In what the engines' answers for a random program differ from those for its unrolled one."""
    case = looped_case(seed)
    program = case.activities
    plain = tuple(activity for _, activity in unroll(program))
    by_pe = timed("pe", case, plain, over_time=False)
    return [
        f"{engine} engine: {name}"
        for engine in ("pe", "array")
        for name in unlike_unrolled(program, timed(engine, case, program, over_time=False), by_pe)
    ]


def test_random_programs_with_loops_equal_the_unrolled_ones() -> None:
    assert {seed: found for seed in range(120) if (found := differ(seed))} == {}


@pytest.mark.deep
def test_random_programs_with_loops_equal_the_unrolled_ones_in_a_long_search() -> None:
    assert {seed: found for seed in range(1_000, 21_000) if (found := differ(seed))} == {}
