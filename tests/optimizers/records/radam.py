"""RAdam: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import RAdam
from tests.optimizers.record import BETAS, DECAY, EPS, RATE, Array, OptimizerRecord, Trajectory


def radam(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    longest = 2 / (1 - betas[1]) - 1
    for t, raw in enumerate(gradients, 1):
        g = raw + weight_decay * p
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        u = mean / (1 - betas[0] ** t)
        rho = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if rho > 5:
            rectifier = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
            u = u * np.sqrt(rectifier) * np.sqrt(1 - betas[1] ** t) / (np.sqrt(second) + eps)
        p = p - lr * u
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=RAdam,
        formula=radam,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
        refused=RATE + BETAS + EPS + DECAY,
    ),
)
