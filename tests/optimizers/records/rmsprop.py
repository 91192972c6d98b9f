"""RMSprop: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import RMSprop
from tests.optimizers.record import DECAY, EPS, RATE, Array, OptimizerRecord, Trajectory, below_zero


def rmsprop(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
) -> Trajectory:
    square = np.zeros_like(p)
    mean = np.zeros_like(p)
    buffer = np.zeros_like(p)
    for raw in gradients:
        g = raw + weight_decay * p
        square = alpha * square + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        d = np.sqrt(square - mean**2 if centered else square) + eps
        buffer = momentum * buffer + g / d
        p = p - lr * buffer
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=RMSprop,
        formula=rmsprop,
        accepted=(
            {},
            {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1},
            {"centered": True, "eps": 1e-2},
        ),
        refused=RATE + EPS + DECAY + below_zero("momentum", "alpha"),
    ),
)
