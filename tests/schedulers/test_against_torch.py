"""Schedules that mean the same in ``torch.optim.lr_scheduler``, over 10,000 steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

import schedulers as ours
from optimizers import SGD

STEPS = 10_000

Ours = Callable[[SGD], ours.LRScheduler]
Theirs = Callable[[torch.optim.SGD], theirs.LRScheduler]


class Rational(ours.LambdaLR):
    """A rate from a function of the step."""

    def set_lr_lambda(self):
        return [lambda step: 1 / (1 + 0.01 * step)]


def _sequence(o: torch.optim.SGD) -> theirs.LRScheduler:
    parts = [theirs.LinearLR(o, 0.01, 1.0, 500), theirs.CosineAnnealingLR(o, 9500, 0.001)]
    return theirs.SequentialLR(o, parts, [500])


CASES: dict[str, tuple[Ours, Theirs]] = {
    "linear": (
        lambda o: ours.LinearLR(o, 0.1, 0.02, 7000),
        lambda o: theirs.LinearLR(o, 1.0, 0.2, 7000),
    ),
    "warm-up": (
        lambda o: ours.LinearLR(o, 0.001, 0.1, 3000),
        lambda o: theirs.LinearLR(o, 0.01, 1.0, 3000),
    ),
    "polynomial": (
        lambda o: ours.PolynomialLR(o, 0.1, 0.0, 9000, power=2.5),
        lambda o: theirs.PolynomialLR(o, 9000, power=2.5),
    ),
    "exponential": (
        lambda o: ours.ExponentialLR(o, 0.1, 1, 0.999),
        lambda o: theirs.ExponentialLR(o, 0.999),
    ),
    "exponential, growing by eight orders": (
        lambda o: ours.ExponentialLR(o, 0.1, 1, 1.00184),
        lambda o: theirs.ExponentialLR(o, 1.00184),
    ),
    "step": (
        lambda o: ours.StepLR(o, 0.1, 30, 0.97),
        lambda o: theirs.StepLR(o, 30, 0.97),
    ),
    "multi-step": (
        lambda o: ours.MultiStepLR(o, 0.1, 0.3, [10, 2500, 9999]),
        lambda o: theirs.MultiStepLR(o, [10, 2500, 9999], 0.3),
    ),
    "cosine annealing": (
        lambda o: ours.CosineAnnealingLR(o, 0.1, 700, 0.001),
        lambda o: theirs.CosineAnnealingLR(o, 700, 0.001),
    ),
    "warm restarts": (
        lambda o: ours.CosineAnnealingWarmRestarts(o, 0.1, 333, eta_min=0.01),
        lambda o: theirs.CosineAnnealingWarmRestarts(o, 333, eta_min=0.01),
    ),
    "multiplicative": (
        lambda o: ours.MultiplicativeLR(o, 0.1, 0.9995),
        lambda o: theirs.MultiplicativeLR(o, lambda _step: 0.9995),
    ),
    "lambda": (
        lambda o: Rational(o, 0.1),
        lambda o: theirs.LambdaLR(o, lambda step: 1 / (1 + 0.01 * step)),
    ),
    "cyclic, triangular": (
        lambda o: ours.CyclicLR(o, 0.01, 0.1, 300, 500),
        lambda o: theirs.CyclicLR(o, 0.01, 0.1, 300, 500, cycle_momentum=False),
    ),
    "cyclic, triangular2": (
        lambda o: ours.CyclicLR(o, 0.01, 0.1, 300, mode="triangular2"),
        lambda o: theirs.CyclicLR(o, 0.01, 0.1, 300, mode="triangular2", cycle_momentum=False),
    ),
    "cyclic, exp_range": (
        lambda o: ours.CyclicLR(o, 0.01, 0.1, 300, mode="exp_range", gamma=0.9997),
        lambda o: theirs.CyclicLR(
            o, 0.01, 0.1, 300, mode="exp_range", gamma=0.9997, cycle_momentum=False
        ),
    ),
    "one cycle": (
        lambda o: ours.OneCycleLR(o, 0.004, 0.1, STEPS),
        lambda o: theirs.OneCycleLR(o, 0.1, STEPS, cycle_momentum=False),
    ),
    "one cycle, three phases, linear": (
        lambda o: ours.OneCycleLR(
            o, 0.004, 0.1, STEPS, 0.37, three_phase=True, anneal_strategy="linear"
        ),
        lambda o: theirs.OneCycleLR(
            o,
            0.1,
            STEPS,
            pct_start=0.37,
            three_phase=True,
            anneal_strategy="linear",
            cycle_momentum=False,
        ),
    ),
    "warm-up, then cosine": (
        lambda o: ours.SequentialLR(
            o,
            [ours.LinearLR(o, 0.001, 0.1, 500), ours.CosineAnnealingLR(o, 0.1, 9500, 0.001)],
            [500],
        ),
        _sequence,
    ),
}


def _theirs(build: Theirs) -> np.ndarray:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls its own deprecated form
        scheduler = build(optimizer)
        rates = []
        for step in range(STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step < STEPS - 1:
                scheduler.step()
    return np.array(rates)


@pytest.mark.parametrize("name", CASES)
def test_rates_equal_torchs(name: str) -> None:
    build, reference = CASES[name]
    expected = _theirs(reference)
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    got = build(optimizer).rates(torch.arange(STEPS)).double().numpy()
    assert np.abs(got - expected).max() <= 1e-6 * expected.max()
