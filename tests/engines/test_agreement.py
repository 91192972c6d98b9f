"""The engines agree to the cycle, and both with a machine that steps through every cycle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.engines.agreement import both, differences, stepped
from tests.engines.drawn import Case, cases


@settings(max_examples=250)
@given(cases())
def test_engines_agree_on_random_programs(case: Case) -> None:
    assert differences(*both(case)) == []


@settings(max_examples=60)
@given(cases(largest=3, longest=24))
def test_engines_agree_on_crowded_wafers(case: Case) -> None:
    assert differences(*both(case)) == []


@settings(max_examples=80)
@given(cases(largest=8, longest=8))
def test_engines_agree_when_a_program_repeats_its_collectives(case: Case) -> None:
    """As a step does tensor after tensor: views that are found once have to serve every time."""
    assert differences(*both(replace(case, activities=case.activities * 3))) == []


@settings(max_examples=200)
@given(cases(largest=8, longest=10))
def test_engines_agree_with_the_stepper(case: Case) -> None:
    array, pe = both(case)
    by_cycle = stepped(case)
    assert differences(array, by_cycle) == []
    assert differences(pe, by_cycle) == []


@pytest.mark.deep
@given(cases())
def test_engines_agree_in_a_long_search(case: Case) -> None:
    assert differences(*both(case)) == []


@pytest.mark.deep
@given(cases(largest=24, longest=30))
def test_engines_agree_on_long_programs_in_a_long_search(case: Case) -> None:
    assert differences(*both(case)) == []


@pytest.mark.deep
@given(cases(largest=8, longest=16))
def test_engines_agree_with_the_stepper_in_a_long_search(case: Case) -> None:
    array, pe = both(case)
    by_cycle = stepped(case)
    assert differences(array, by_cycle) == []
    assert differences(pe, by_cycle) == []
