"""Adamax: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Adamax
from tests.optimizers.record import (
    BETAS,
    DECAY,
    EPS,
    RATE,
    Array,
    OptimizerRecord,
    Trajectory,
    regularized,
)


def adamax(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Trajectory:
    mean = np.zeros_like(p)
    norm = np.zeros_like(p)
    for t, raw in enumerate(gradients, 1):
        g = regularized(raw, p, weight_decay, maximize)
        mean = betas[0] * mean + (1 - betas[0]) * g
        norm = np.maximum(betas[1] * norm, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * mean / norm
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Adamax,
        formula=adamax,
        accepted=({}, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}, {"maximize": True}),
        refused=RATE + BETAS + EPS + DECAY,
    ),
)
