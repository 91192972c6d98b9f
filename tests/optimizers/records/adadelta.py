"""Adadelta: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Adadelta
from tests.optimizers.record import (
    DECAY,
    EPS,
    RATE,
    Array,
    OptimizerRecord,
    Refused,
    Trajectory,
    regularized,
)


def adadelta(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Trajectory:
    square = np.zeros_like(p)
    moved = np.zeros_like(p)
    for raw in gradients:
        g = regularized(raw, p, weight_decay, maximize)
        square = rho * square + (1 - rho) * g**2
        delta = np.sqrt(moved + eps) / np.sqrt(square + eps) * g
        moved = rho * moved + (1 - rho) * delta**2
        p = p - lr * delta
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Adadelta,
        formula=adadelta,
        accepted=({}, {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}, {"maximize": True}),
        refused=RATE + EPS + DECAY + (Refused({"rho": 1.5}, "rho is 1.5; it must be in [0, 1]"),),
    ),
)
