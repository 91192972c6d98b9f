"""NAdam: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import NAdam
from tests.optimizers.record import (
    BETAS,
    DECAY,
    EPS,
    RATE,
    Array,
    OptimizerRecord,
    Trajectory,
    below_zero,
)


def nadam(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    product = 1.0
    for t, raw in enumerate(gradients, 1):
        g = raw + weight_decay * p
        mu = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))
        mu_next = betas[0] * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        product *= mu
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        d = np.sqrt(second / (1 - betas[1] ** t)) + eps
        of_mean = mu_next / (1 - product * mu * mu_next)
        p = p - lr * (of_mean * mean + (1 - mu) / (1 - product) * g) / d
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=NAdam,
        formula=nadam,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.1},
        ),
        refused=RATE + BETAS + EPS + DECAY + below_zero("momentum_decay"),
    ),
)
