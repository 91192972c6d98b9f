"""Rprop: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Rprop
from tests.optimizers.record import RATE, Array, OptimizerRecord, Refused, Trajectory


def rprop(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
) -> Trajectory:
    before = np.zeros_like(p)
    size = np.full_like(p, lr)
    for raw in gradients:
        c = raw * before
        size = np.clip(size * np.where(c > 0, etas[1], np.where(c < 0, etas[0], 1.0)), *step_sizes)
        before = np.where(c < 0, 0.0, raw)
        p = p - np.sign(before) * size
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Rprop,
        formula=rprop,
        accepted=({}, {"lr": 0.02, "etas": (0.6, 1.1), "step_sizes": (1e-3, 1.0)}),
        refused=(*RATE, Refused({"etas": 0.5}, "etas is 0.5; it must be a pair")),
    ),
)
