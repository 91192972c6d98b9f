"""Adagrad: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Adagrad
from tests.optimizers.record import (
    DECAY,
    EPS,
    RATE,
    Array,
    OptimizerRecord,
    Trajectory,
    below_zero,
    regularized,
)


def adagrad(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.01,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-6,
    maximize: bool = False,
) -> Trajectory:
    total = np.full_like(p, initial_accumulator_value)
    for t, raw in enumerate(gradients, 1):
        g = regularized(raw, p, weight_decay, maximize)
        total = total + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + eps)
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Adagrad,
        formula=adagrad,
        accepted=(
            {},
            {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
            {"initial_accumulator_value": 0.5, "maximize": True},
        ),
        refused=RATE + EPS + DECAY + below_zero("lr_decay", "initial_accumulator_value"),
    ),
)
