"""SGD: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import SGD
from tests.optimizers.record import RATE, Array, OptimizerRecord, Refused, Trajectory, regularized


def sgd(
    p: Array,
    gradients: Sequence[Array],
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> Trajectory:
    buffer = np.zeros_like(p)
    for raw in gradients:
        g = regularized(raw, p, weight_decay, maximize)
        if momentum:
            buffer = momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=SGD,
        formula=sgd,
        accepted=(
            {"lr": 0.1},
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
            {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
        ),
        refused=(
            *RATE,
            Refused({"lr": 0.1, "momentum": -1.0}, "momentum is -1.0; it must be at least 0"),
            Refused({"lr": 0.1, "weight_decay": -0.1}, "weight_decay is -0.1"),
            Refused({"lr": 0.1, "nesterov": True}, "nesterov is True; it must be False unless"),
        ),
    ),
)
