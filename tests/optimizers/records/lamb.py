"""Lamb: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Lamb
from tests.optimizers.record import BETAS, EPS, RATE, Array, Collective, OptimizerRecord, Trajectory


def lamb(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    adam: bool = False,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    for g in gradients:
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        u = mean / (np.sqrt(second) + eps) + weight_decay * p
        weight, length = min(float(np.linalg.norm(p)), 10.0), float(np.linalg.norm(u))
        ratio = weight / length if weight > 0 and length > 0 and not adam else 1.0
        p = p - lr * ratio * u
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Lamb,
        formula=lamb,
        accepted=({}, {"lr": 0.02, "weight_decay": 0.1}, {"adam": True}),
        refused=RATE + BETAS + EPS,
        collectives=(
            Collective("all-reduce", "norm of the parameter"),
            Collective("all-reduce", "norm of the update"),
        ),
    ),
)
