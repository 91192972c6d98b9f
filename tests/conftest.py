"""Shared test settings: one torch thread, deterministic property search, no display."""

from __future__ import annotations

from functools import cache

import matplotlib
import pytest
import torch
from hypothesis import HealthCheck, settings

from tests.clock import HandMovedClock
from tests.results import factory
from wse_emulator.cli import progress
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

matplotlib.use("Agg")
torch.set_num_threads(1)

settings.register_profile(
    "default",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no command find that it takes long, so that errors are the only lines on stderr."""
    monkeypatch.setattr(progress, "clock", HandMovedClock())


@cache
def made(name: str) -> RunResult:
    return CASES[name]()


@pytest.fixture(params=CASES)
def result(request: pytest.FixtureRequest) -> RunResult:
    """One of the cases."""
    return made(str(request.param))
