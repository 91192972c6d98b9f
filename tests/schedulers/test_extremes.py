"""Rates of extreme but legal arguments at steps up to 2^63: never NaN, and right where finite."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import schedulers
from optimizers import SGD
from tests.schedulers.strategies import optimizer

STEPS = torch.tensor(
    [0, 1, 2, 3, 30, 999, 1000, 1001, 10**6, 2**24 - 1, 2**24, 2**24 + 1, 10**9, 2**62, 2**63 - 1]
)
RATES = st.sampled_from([0.0, 1e-45, 1e-38, 6.55e-5, 0.1, 1.0, 1e10, 3e38])
COUNTS = st.sampled_from([1, 2, 3, 1000, 2**24 + 1, 10**9, 2**40, 2**62])
FACTORS = st.sampled_from(
    [0.0, 5e-324, 1e-300, 1e-38, 0.5, 1 - 1e-16, 1.0, 1 + 1e-15, 1.0001, 2.0, 1e10, 3e38]
)
EXPONENTS = st.sampled_from([1e-300, 1e-38, 0.001, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 1e10, 3e38])
FLAGS = st.booleans()
MILESTONES = st.lists(COUNTS, min_size=3, max_size=3, unique=True).map(sorted)

Draw = st.SearchStrategy[tuple[object, ...]]
CLASSES: dict[str, Draw] = {
    "ConstantLR": st.tuples(RATES),
    "PolynomialLR": st.tuples(RATES, RATES, COUNTS, EXPONENTS),
    "LinearLR": st.tuples(RATES, RATES, COUNTS),
    "ExponentialLR": st.tuples(RATES, COUNTS, FACTORS, FLAGS),
    "InverseExponentialTimeDecayLR": st.tuples(
        RATES, st.sampled_from([1, 2, 3, 5, 63, 64, 10**6]), COUNTS, FACTORS, FLAGS
    ),
    "InverseSquareRootDecayLR": st.tuples(RATES, FACTORS, COUNTS),
    "CosineDecayLR": st.tuples(RATES, RATES, COUNTS),
    "CosineAnnealingLR": st.tuples(RATES, COUNTS, RATES),
    "CosineAnnealingWarmRestarts": st.tuples(RATES, COUNTS, st.just(1), RATES),
    "CyclicLR": st.tuples(
        RATES,
        RATES,
        COUNTS,
        COUNTS,
        st.sampled_from(["triangular", "triangular2", "exp_range"]),
        FACTORS,
    ),
    "OneCycleLR": st.tuples(
        RATES,
        RATES,
        COUNTS,
        st.sampled_from([0.0, 0.1, 0.3, 0.49, 0.5, 0.99]),
        st.sampled_from([1e-38, 1.0, 1e4, 3e38]),
        FLAGS,
        st.sampled_from(["cos", "linear"]),
    ),
    "PiecewiseConstantLR": st.tuples(st.lists(RATES, min_size=4, max_size=4), MILESTONES),
    "MultiStepLR": st.tuples(RATES, FACTORS, MILESTONES),
    "StepLR": st.tuples(RATES, COUNTS, FACTORS),
    "LambdaLR": st.tuples(RATES),
    "MultiplicativeLR": st.tuples(RATES, FACTORS),
}

Build = Callable[[SGD], schedulers.LRScheduler]


def building(name: str, arguments: tuple[object, ...]) -> Build:
    return lambda optimizer: getattr(schedulers, name)(optimizer, *arguments)


SINGLE = st.one_of(
    *(drawn.map(lambda a, name=name: building(name, a)) for name, drawn in CLASSES.items())
)


def test_every_class_is_drawn() -> None:
    composed = {"LRScheduler", "ComposedLR", "ChainedScheduler", "SequentialLR"}
    found = {name for name in schedulers.__all__ if name.endswith(("LR", "Restarts", "Scheduler"))}
    assert found - composed == set(CLASSES)


def never_nan(*builds: Build) -> None:
    """The rates of the schedule, or of several as a chain and as a sequence, are numbers."""
    driven = optimizer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = [build(driven) for build in builds]
            if len(made) > 1:
                sequence = schedulers.SequentialLR(driven, made, [2**24])
                made = [sequence, schedulers.ChainedScheduler(made)]
        except schedulers.SchedulerError:
            return  # named, and refused before the first step
        for schedule in made:
            assert not schedule.rates(STEPS).isnan().any()


@settings(max_examples=150)
@given(build=SINGLE)
def test_no_rate_is_nan(build: Build) -> None:
    never_nan(build)


@settings(max_examples=60)
@given(first=SINGLE, second=SINGLE)
def test_no_rate_of_a_composition_is_nan(first: Build, second: Build) -> None:
    never_nan(first, second)


@pytest.mark.parametrize(
    "build",
    [
        lambda o: schedulers.MultiplicativeLR(o, 0.0, 1.0001),
        lambda o: schedulers.ExponentialLR(o, 0.0, 1, 2.0),
        lambda o: schedulers.ExponentialLR(o, 0.0, 1, 2.0, staircase=True),
        lambda o: schedulers.StepLR(o, 0.0, 1, 2.0),
    ],
)
def test_a_rate_of_zero_stays_zero(build: Build) -> None:
    assert build(optimizer()).rates(STEPS).tolist() == [0.0] * len(STEPS)


def test_growth_from_a_small_rate_is_followed_to_the_end_of_float32() -> None:
    """1e-20 · 2^150 is 1.4e25, though 2^150 alone is more than float32 holds."""
    schedule = schedulers.ExponentialLR(optimizer(), 1e-20, 1, 2.0)
    assert schedule.rates(torch.tensor([150, 190])).tolist() == pytest.approx(
        [1e-20 * 2.0**150, 1e-20 * 2.0**190], rel=1e-5
    )


def test_powers_that_cancel_in_a_chain() -> None:
    driven = optimizer()
    up, down = (schedulers.ExponentialLR(driven, 0.1, 1, base) for base in (2.0, 0.5))
    rates = schedulers.ChainedScheduler([up, down]).rates(torch.tensor([10, 200, 1000]))
    assert rates.tolist() == pytest.approx([0.1] * 3, rel=1e-6)
    up, down = (schedulers.StepLR(driven, 0.1, 3, base) for base in (4.0, 0.25))
    ends = schedulers.LinearLR(driven, 1.0, 0.0, 1000)
    rates = schedulers.ChainedScheduler([up, down, ends]).rates(torch.tensor([900, 1000]))
    assert rates.tolist() == pytest.approx([0.01, 0.0], rel=1e-5)


@pytest.mark.parametrize("power", [0.5, 1.5, 2.0, 3.0])
def test_a_rise_begins_with_all_digits_of_its_first_rate(power: float) -> None:
    schedule = schedulers.PolynomialLR(optimizer(), 6.55252e-05, 1.0, 10**10, power=power)
    first, middle, last = schedule.rates(torch.tensor([0, 5 * 10**9, 10**10])).tolist()
    assert first == pytest.approx(6.55252e-05, rel=1e-6)
    assert middle == pytest.approx(0.5**power * (6.55252e-05 - 1.0) + 1.0, rel=1e-6)
    assert last == pytest.approx(1.0, rel=1e-6)


def test_a_long_swing_stays_within_its_bounds() -> None:
    schedule = schedulers.CyclicLR(optimizer(), 0.1, 1.0, 2**40, 2)
    rates = schedule.rates(torch.tensor([0, 2**39, 2**40, 2**40 + 1, 2**40 + 2]))
    assert rates.tolist() == pytest.approx([0.1, 0.55, 1.0, 0.55, 0.1], rel=1e-6)


def test_a_rate_whose_power_no_number_holds_is_named() -> None:
    with pytest.raises(schedulers.HyperparameterError, match="enters once for each of the 2"):
        schedulers.LambdaLR(optimizer(), 1e20)
