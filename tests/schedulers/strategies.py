"""Random schedules of every kind, as builders that take an optimizer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import strategies as st

import schedulers
from optimizers import SGD

Builder = Callable[[SGD], schedulers.LRScheduler]

rates = st.floats(1e-6, 1.0)
counts = st.integers(1, 400)


def optimizer(groups: int = 2) -> SGD:
    """An optimizer of one-element parameters, one in each group."""
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(groups)]
    return SGD([{"params": [p]} for p in parameters], lr=0.77)


def _build(
    cls: type[schedulers.LRScheduler], **arguments: st.SearchStrategy[object]
) -> st.SearchStrategy[Builder]:
    return st.fixed_dictionaries(arguments).map(lambda kw: lambda o: cls(o, **kw))


_increasing = st.lists(st.integers(1, 400), min_size=1, max_size=4, unique=True).map(sorted)

CONTINUOUS = st.one_of(
    _build(schedulers.ConstantLR, learning_rate=rates),
    _build(
        schedulers.LinearLR,
        initial_learning_rate=rates,
        end_learning_rate=rates,
        total_iters=counts,
    ),
    _build(
        schedulers.PolynomialLR,
        initial_learning_rate=rates,
        end_learning_rate=rates,
        total_iters=counts,
        power=st.floats(1.0, 3.0),
    ),
    _build(
        schedulers.CosineDecayLR,
        initial_learning_rate=rates,
        end_learning_rate=rates,
        total_iters=counts,
    ),
    _build(schedulers.CosineAnnealingLR, initial_learning_rate=rates, T_max=counts, eta_min=rates),
    _build(
        schedulers.ExponentialLR,
        initial_learning_rate=rates,
        total_iters=counts,
        decay_rate=st.floats(0.1, 1.0),
    ),
    _build(
        schedulers.InverseExponentialTimeDecayLR,
        initial_learning_rate=rates,
        step_exponent=st.integers(1, 3),
        total_iters=counts,
        decay_rate=st.floats(0.0, 2.0),
    ),
    _build(
        schedulers.InverseSquareRootDecayLR,
        initial_learning_rate=rates,
        warmup_steps=st.integers(1, 100),
    ),
    _build(
        schedulers.CyclicLR,
        base_lr=rates,
        max_lr=rates,
        step_size_up=counts,
        step_size_down=counts,
    ),
    _build(
        schedulers.OneCycleLR,
        initial_learning_rate=rates,
        max_lr=rates,
        total_steps=st.integers(10, 400),
        pct_start=st.floats(0.0, 0.8),
    ),
)
"""Schedules without jumps."""

STEPPED = st.one_of(
    _build(
        schedulers.MultiStepLR,
        initial_learning_rate=rates,
        gamma=st.floats(0.0, 2.0),
        milestones=_increasing,
    ),
    _build(
        schedulers.StepLR,
        initial_learning_rate=rates,
        step_size=counts,
        gamma=st.floats(0.0, 1.0),
    ),
    _build(schedulers.CosineAnnealingWarmRestarts, initial_learning_rate=rates, T_0=counts),
    _build(schedulers.LambdaLR, initial_learning_rate=rates),
    _build(
        schedulers.MultiplicativeLR,
        initial_learning_rate=rates,
        coefficient=st.floats(0.0, 1.02),
    ),
    _increasing.flatmap(
        lambda milestones: st.lists(
            rates, min_size=len(milestones) + 1, max_size=len(milestones) + 1
        ).map(lambda values: lambda o: schedulers.PiecewiseConstantLR(o, values, milestones))
    ),
)
"""Schedules whose rate jumps, or that grow."""


@st.composite
def composed(draw: st.DrawFn) -> Builder:
    """A sequence or a chain of simple schedules, possibly in another sequence."""
    parts = draw(st.lists(st.one_of(CONTINUOUS, STEPPED), min_size=1, max_size=3))
    gaps = draw(st.lists(counts, min_size=len(parts) - 1, max_size=len(parts) - 1))
    milestones = [sum(gaps[: i + 1]) for i in range(len(gaps))]

    def sequence(o: SGD) -> schedulers.LRScheduler:
        return schedulers.SequentialLR(o, [part(o) for part in parts], milestones)

    if draw(st.booleans()):
        return sequence
    factor = draw(st.floats(0.5, 1.0))

    def chain(o: SGD) -> schedulers.LRScheduler:
        return schedulers.ChainedScheduler(
            [sequence(o), schedulers.MultiplicativeLR(o, 1.0, factor)]
        )

    return chain


ANY = st.one_of(CONTINUOUS, STEPPED, composed())
"""Every kind of schedule."""
