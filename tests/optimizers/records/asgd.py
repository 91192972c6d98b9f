"""ASGD: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

from optimizers import ASGD
from tests.optimizers.record import (
    DECAY,
    RATE,
    Array,
    OptimizerRecord,
    Trajectory,
    below_zero,
    regularized,
)


def asgd(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.01,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Trajectory:
    eta = lr
    for t, raw in enumerate(gradients, 1):
        g = regularized(raw, p, weight_decay, maximize)
        p = p * (1 - lambd * eta) - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=ASGD,
        formula=asgd,
        accepted=(
            {},
            {"lr": 0.05, "lambd": 0.01, "t0": 3.0, "weight_decay": 0.1},
            {"maximize": True},
        ),
        refused=RATE + DECAY + below_zero("lambd", "t0"),
    ),
)
