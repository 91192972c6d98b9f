"""What holds for every schedule, whatever its numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import schedulers
from tests.schedulers.strategies import ANY, CONTINUOUS, Builder, counts, optimizer, rates

STEPS = 60
RATE_NAMES = (
    "learning_rate",
    "initial_learning_rate",
    "end_learning_rate",
    "eta_min",
    "base_lr",
    "max_lr",
)


def _ulps_apart(left: np.ndarray, right: np.ndarray) -> int:
    """Units in the last place of float32 between two arrays of rates, none of them negative."""
    bits = [np.asarray(a, np.float32).view(np.int32).astype(np.int64) for a in (left, right)]
    return int(np.abs(bits[0] - bits[1]).max())


def _stepped(scheduler: schedulers.LRScheduler, steps: int) -> np.ndarray:
    seen = []
    for _ in range(steps):
        seen.append(float(scheduler.rate_cell))
        scheduler.step()
    return np.array(seen, np.float32)


@given(ANY)
def test_the_rate_at_a_step_is_the_one_reached_by_stepping_there(build: Builder) -> None:
    scheduler = build(optimizer())
    at_once = scheduler.rates(torch.arange(STEPS)).numpy()
    assert _ulps_apart(at_once, _stepped(scheduler, STEPS)) <= 2


@given(ANY, st.integers(0, STEPS))
def test_resuming_anywhere_changes_nothing(build: Builder, at: int) -> None:
    whole, interrupted = build(optimizer()), build(optimizer())
    expected = _stepped(whole, STEPS + 10)
    _stepped(interrupted, at)
    resumed = build(optimizer())
    resumed.load_state_dict(json.loads(json.dumps(interrupted.state_dict())))
    assert np.array_equal(_stepped(resumed, STEPS + 10 - at), expected[at:])
    assert resumed.state_dict() == whole.state_dict()


@given(ANY)
def test_rates_are_finite_at_every_step_and_far_beyond(build: Builder) -> None:
    steps = torch.cat([torch.arange(1000), torch.tensor([2**24 + 1, 1_400_000_000])])
    decaying = build(optimizer()).rates(steps)
    # a coefficient above 1 grows without bound, and may pass float32 in 10^9 steps
    assert torch.isfinite(decaying[:1000]).all()
    assert not torch.isnan(decaying).any()


STEEPEST: dict[type[schedulers.LRScheduler], Callable[[schedulers.LRScheduler], float]] = {
    schedulers.ConstantLR: lambda _s: 0.0,
    schedulers.LinearLR: lambda s: 1 / s.total_iters,
    schedulers.PolynomialLR: lambda s: s.power / s.total_iters,
    schedulers.CosineDecayLR: lambda s: np.pi / 2 / s.total_iters,
    schedulers.CosineAnnealingLR: lambda s: np.pi / 2 / s.T_max,
    schedulers.ExponentialLR: lambda s: -np.log(s.decay_rate) / s.total_iters,
    schedulers.InverseSquareRootDecayLR: lambda s: 0.5 / s.warmup_steps**1.5,
    schedulers.CyclicLR: lambda s: 1 / min(s.step_size_up, s.step_size_down),
}
"""The steepest slope of each formula, a step, where its rates span 0 to 1."""


@given(CONTINUOUS)
def test_a_continuous_formula_moves_no_faster_than_its_steepest_slope(build: Builder) -> None:
    scheduler = build(optimizer())
    slope = STEEPEST.get(type(scheduler))
    assume(slope is not None)
    settings = vars(scheduler)
    ends = [settings[k] for k in RATE_NAMES if k in settings]
    span = max(ends) - min(ends) if len(ends) > 1 else max(ends)
    moves = scheduler.rates(torch.arange(2000)).double().diff().abs()
    assert float(moves.max()) <= span * slope(scheduler) * (1 + 1e-5) + 4e-7 * max(ends)


@given(rates, rates, rates, counts, counts)
def test_a_sequence_whose_parts_meet_is_continuous(
    start: float, peak: float, end: float, warmup: int, decay: int
) -> None:
    o = optimizer()
    parts = [
        schedulers.LinearLR(o, start, peak, warmup),
        schedulers.CosineDecayLR(o, peak, end, decay),
    ]
    values = schedulers.SequentialLR(o, parts, [warmup]).rates(torch.arange(warmup + decay + 5))
    moves = values.double().diff().abs()
    highest = max(start, peak, end)
    assert moves[:warmup].max() <= abs(peak - start) / warmup + 4e-7 * highest
    assert moves[warmup:].max() <= abs(peak - end) * np.pi / 2 / decay + 4e-7 * highest


@given(ANY)
def test_a_sequence_of_one_is_that_one(build: Builder) -> None:
    steps = torch.arange(500)
    alone, o = build(optimizer()), optimizer()
    sequence = schedulers.SequentialLR(o, [build(o)], [])
    assert torch.equal(sequence.rates(steps), alone.rates(steps))


@given(st.lists(rates, min_size=2, max_size=5), st.data())
def test_a_piecewise_constant_is_a_sequence_of_constants(
    values: list[float], data: st.DataObject
) -> None:
    gaps = data.draw(st.lists(counts, min_size=len(values) - 1, max_size=len(values) - 1))
    milestones = list(itertools.accumulate(gaps))
    o = optimizer()
    piecewise = schedulers.PiecewiseConstantLR(o, values, milestones)
    constants = [schedulers.ConstantLR(o, value) for value in values]
    sequence = schedulers.SequentialLR(o, constants, milestones)
    steps = torch.arange(milestones[-1] + 2)
    assert torch.equal(piecewise.rates(steps), sequence.rates(steps))


@given(ANY, ANY, counts)
def test_each_part_of_a_sequence_counts_from_its_own_milestone(
    first: Builder, second: Builder, milestone: int
) -> None:
    o = optimizer()
    sequence = schedulers.SequentialLR(o, [first(o), second(o)], [milestone])
    steps = torch.arange(100)
    assert torch.equal(sequence.rates(steps + milestone), second(optimizer()).rates(steps))
    before = steps[steps < milestone]
    assert torch.equal(sequence.rates(before), first(optimizer()).rates(before))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
@given(build=ANY)
def test_rates_have_the_shape_of_the_steps(shape: tuple[int, ...], build: Builder) -> None:
    steps = torch.arange(6)[: int(np.prod(shape))].reshape(shape)
    got = build(optimizer()).rates(steps)
    assert got.shape == shape
    assert got.dtype == torch.float32
