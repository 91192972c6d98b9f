"""Results of every size a user meets, made once for all tests of views."""

from __future__ import annotations

from functools import cache

import pytest

from tests.results import factory
from wse_emulator.results.run import RunResult

CASES = {
    "one tensor on 4 x 4": factory.tiny,
    "one tensor on one PE": factory.one_pe,
    "GPT-2 XL": factory.gpt2_xl_like,
    "LLaMA-2 70B": factory.llama_70b_like,
    "does not fit": factory.too_large,
    "does not fit, slender regions": factory.far_too_large,
    "two steps, long names": factory.awkward,
}


@cache
def made(name: str) -> RunResult:
    return CASES[name]()


@pytest.fixture(params=CASES)
def result(request: pytest.FixtureRequest) -> RunResult:
    """One of the cases."""
    return made(str(request.param))
