"""Lion: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Lion
from tests.optimizers.record import BETAS, DECAY, RATE, Array, OptimizerRecord, Trajectory


def lion(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> Trajectory:
    mean = np.zeros_like(p)
    for g in gradients:
        p = p * (1 - lr * weight_decay)
        p = p - lr * np.sign(betas[0] * mean + (1 - betas[0]) * g)
        mean = betas[1] * mean + (1 - betas[1]) * g
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Lion,
        formula=lion,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
        refused=RATE + BETAS + DECAY,
        addition=True,
    ),
)
