"""Steps that float32 cannot count: 2^24 + 1, and the 1.4 billion of the longest configs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import cos, exp, log, pi, sqrt

import pytest
import torch

import schedulers
from tests.schedulers.strategies import Builder, optimizer

LONG = 1_400_000_000
STEPS = (2**24, 2**24 + 1, 2**24 + 3, LONG - 1, LONG, LONG + 1)

Exact = Callable[[int], float]


def _half_cosine(numerator: int, denominator: int) -> float:
    """(1 + cos(π·ratio)) / 2 with the ratio reduced exactly."""
    ratio = Fraction(numerator, denominator) % 2
    return 0.5 * (1 + cos(pi * float(ratio)))


def _triangle(step: int, up: int, down: int) -> float:
    phase = step % (up + down)
    return phase / up if phase <= up else (up + down - phase) / down


CASES: dict[str, tuple[Builder, Exact]] = {
    "linear": (
        lambda o: schedulers.LinearLR(o, 0.1, 0.01, LONG),
        lambda t: 0.01 + 0.09 * (1 - min(t, LONG) / LONG),
    ),
    "warm-up": (
        lambda o: schedulers.LinearLR(o, 0.0, 0.1, LONG),
        lambda t: 0.1 * min(t, LONG) / LONG,
    ),
    "polynomial": (
        lambda o: schedulers.PolynomialLR(o, 0.1, 0.01, LONG, power=2.0),
        lambda t: 0.01 + 0.09 * (1 - min(t, LONG) / LONG) ** 2,
    ),
    "cosine decay": (
        lambda o: schedulers.CosineDecayLR(o, 0.1, 0.01, LONG),
        lambda t: 0.01 + 0.09 * _half_cosine(min(t, LONG), LONG),
    ),
    "cosine annealing of period 14": (
        lambda o: schedulers.CosineAnnealingLR(o, 0.1, 7, 0.01),
        lambda t: 0.01 + 0.09 * _half_cosine(t, 7),
    ),
    "warm restarts of period 11": (
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 0.1, 11),
        lambda t: 0.1 * _half_cosine(t % 11, 11),
    ),
    "cyclic of period 10": (
        lambda o: schedulers.CyclicLR(o, 0.01, 0.1, 3, 7),
        lambda t: 0.01 + 0.09 * _triangle(t, 3, 7),
    ),
    "steps": (
        lambda o: schedulers.StepLR(o, 0.1, 100_000_000, 0.5),
        lambda t: 0.1 * 0.5 ** (t // 100_000_000),
    ),
    "milestone at 2^24 + 1": (
        lambda o: schedulers.MultiStepLR(o, 0.1, 0.5, [2**24 + 1]),
        lambda t: 0.05 if t >= 2**24 + 1 else 0.1,
    ),
    "piecewise, milestone at 1.4e9": (
        lambda o: schedulers.PiecewiseConstantLR(o, [0.1, 0.2], [LONG]),
        lambda t: 0.2 if t >= LONG else 0.1,
    ),
    "exponential": (
        lambda o: schedulers.ExponentialLR(o, 0.1, LONG, 0.5),
        lambda t: 0.1 * 0.5 ** (t / LONG),
    ),
    "multiplicative": (
        lambda o: schedulers.MultiplicativeLR(o, 0.1, 1 - 1e-9),
        lambda t: 0.1 * exp(t * log(1 - 1e-9)),
    ),
    "multiplicative, growing": (
        lambda o: schedulers.MultiplicativeLR(o, 1e-8, 1 + 1.3e-8),
        lambda t: 1e-8 * exp(t * log(1 + 1.3e-8)),
    ),
    "inverse time, stairs of its square": (
        lambda o: schedulers.InverseExponentialTimeDecayLR(o, 0.1, 2, 2**50, 0.5, True),
        lambda t: 0.1 / (1 + 0.5 * (t**2 // 2**50)),
    ),
    "inverse square root": (
        lambda o: schedulers.InverseSquareRootDecayLR(o, 1.0, 1.0, 2**24 + 2),
        lambda t: 1 / sqrt(max(t, 2**24 + 2)),
    ),
    "one cycle": (
        lambda o: schedulers.OneCycleLR(o, 0.01, 0.1, LONG, 0.3),
        lambda t: (
            0.1 - 0.09 * _half_cosine(t, LONG * 3 // 10 - 1)
            if t <= LONG * 3 // 10 - 1
            else 1e-6 + (0.1 - 1e-6) * _half_cosine(t - LONG * 3 // 10 + 1, LONG - LONG * 3 // 10)
        ),
    ),
    "sequence that changes at 2^24 + 1": (
        lambda o: schedulers.SequentialLR(
            o,
            [schedulers.ConstantLR(o, 0.1), schedulers.LinearLR(o, 1.0, 0.0, 4)],
            [2**24 + 1],
        ),
        lambda t: 0.1 if t < 2**24 + 1 else max(0.0, 1 - (t - 2**24 - 1) / 4),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rates_are_right_at_steps_float32_cannot_count(name: str) -> None:
    build, exact = CASES[name]
    scheduler = build(optimizer())
    expected = torch.tensor([exact(step) for step in STEPS], dtype=torch.float64)
    got = scheduler.rates(torch.tensor(STEPS)).double()
    assert (got - expected).abs().max() <= 1e-6 * expected.max()


@pytest.mark.parametrize("name", CASES)
def test_stepping_counts_every_step_there(name: str) -> None:
    build, exact = CASES[name]
    scheduler = build(optimizer())
    scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": 2**24 - 1})
    largest = max(exact(step) for step in range(2**24 - 1, 2**24 + 5))
    for step in range(2**24, 2**24 + 5):
        scheduler.step()
        assert int(scheduler.last_epoch) == step
        assert abs(float(scheduler.rate_cell) - exact(step)) <= 1e-6 * largest
