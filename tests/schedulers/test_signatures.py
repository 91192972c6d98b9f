"""Constructors have the documented arguments, in the documented order, with those defaults."""

from __future__ import annotations

import inspect

import pytest

import schedulers

RESET = "disable_lr_steps_reset=False"
DECAY = "optimizer, initial_learning_rate, end_learning_rate, total_iters"

DOCUMENTED = {
    "ConstantLR": f"optimizer, learning_rate, total_iters=None, {RESET}",
    "PolynomialLR": f"{DECAY}, power=1.0, cycle=False, {RESET}",
    "LinearLR": f"{DECAY}, cycle=False, {RESET}",
    "ExponentialLR": (
        f"optimizer, initial_learning_rate, total_iters, decay_rate, staircase=False, {RESET}"
    ),
    "InverseExponentialTimeDecayLR": (
        "optimizer, initial_learning_rate, step_exponent, total_iters, decay_rate,"
        f" staircase=False, {RESET}"
    ),
    "InverseSquareRootDecayLR": (
        f"optimizer, initial_learning_rate=1.0, scale=1.0, warmup_steps=1, {RESET}"
    ),
    "CosineDecayLR": f"{DECAY}, {RESET}",
    "SequentialLR": "optimizer, schedulers, milestones, last_epoch=-1",
    "PiecewiseConstantLR": f"optimizer, learning_rates, milestones, {RESET}",
    "MultiStepLR": f"optimizer, initial_learning_rate, gamma, milestones, {RESET}",
    "StepLR": f"optimizer, initial_learning_rate, step_size, gamma, {RESET}",
    "CosineAnnealingLR": f"optimizer, initial_learning_rate, T_max, eta_min=0.0, {RESET}",
    "LambdaLR": f"optimizer, initial_learning_rate, {RESET}",
    "CosineAnnealingWarmRestarts": (
        f"optimizer, initial_learning_rate, T_0, T_mult=1, eta_min=0.0, {RESET}"
    ),
    "MultiplicativeLR": f"optimizer, initial_learning_rate, coefficient, {RESET}",
    "ChainedScheduler": "schedulers",
    "CyclicLR": (
        "optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode='triangular',"
        f" gamma=1.0, scale_mode='cycle', {RESET}"
    ),
    "OneCycleLR": (
        "optimizer, initial_learning_rate, max_lr, total_steps=1000, pct_start=0.3,"
        f" final_div_factor=10000.0, three_phase=False, anneal_strategy='cos', {RESET}"
    ),
}
"""Cerebras developer documentation, release 1.8.0, optim.lr_scheduler."""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_constructor_is_the_documented_one(name: str) -> None:
    parameters = inspect.signature(getattr(schedulers, name)).parameters.values()
    written = [
        p.name if p.default is inspect.Parameter.empty else f"{p.name}={p.default!r}"
        for p in parameters
    ]
    assert ", ".join(written) == DOCUMENTED[name]


def test_everything_documented_is_there() -> None:
    assert set(DOCUMENTED) | {"configure_lr_scheduler"} <= set(schedulers.__all__)
    assert callable(schedulers.LambdaLR.set_lr_lambda)
    assert callable(schedulers.MultiplicativeLR.set_lr_lambda)
    assert callable(schedulers.CyclicLR.set_scale_fn)
