"""Adam and AdamW: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Adam, AdamW
from tests.optimizers.record import BETAS, DECAY, EPS, RATE, Array, OptimizerRecord, Trajectory


def _adam(
    p: Array,
    gradients: Sequence[Array],
    lr: float,
    betas: tuple[float, float],
    eps: float,
    l2: float,
    decoupled: float,
    correct_bias: bool,
    amsgrad: bool,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    largest = np.zeros_like(p)
    for t, raw in enumerate(gradients, 1):
        g = raw + l2 * p
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        largest = np.maximum(largest, second)
        u = mean / (np.sqrt(largest if amsgrad else second) + eps)
        if correct_bias:
            u = u * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
        p = p - lr * (u + decoupled * p)
        yield p


def adam(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> Trajectory:
    return _adam(p, gradients, lr, betas, eps, weight_decay, 0.0, True, amsgrad)


def adamw(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    correct_bias: bool = True,
    amsgrad: bool = False,
) -> Trajectory:
    return _adam(p, gradients, lr, betas, eps, 0.0, weight_decay, correct_bias, amsgrad)


RECORDS = (
    OptimizerRecord(
        optimizer=Adam,
        formula=adam,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1},
            {"amsgrad": True, "eps": 1e-3},
        ),
        refused=RATE + BETAS + EPS + DECAY,
    ),
    OptimizerRecord(
        optimizer=AdamW,
        formula=adamw,
        accepted=(
            {},
            {"lr": 0.02, "betas": (0.9, 0.95), "weight_decay": 0.1},
            {"correct_bias": False, "amsgrad": True},
        ),
        refused=RATE + BETAS + EPS + DECAY,
    ),
)
