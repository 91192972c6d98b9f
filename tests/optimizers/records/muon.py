"""Muon: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Muon
from tests.optimizers.record import RATE, Array, Collective, OptimizerRecord, Refused, Trajectory


def muon(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.02,
    weight_decay: float = 0.01,
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_steps: int = 5,
) -> Trajectory:
    buffer = np.zeros_like(p)
    rate = lr * 0.2 * max(p.shape[:2]) ** 0.5
    for g in gradients:
        buffer = momentum * buffer + (1 - momentum) * g
        x = g + momentum * buffer if nesterov else buffer
        if not momentum:
            x = g
        x = x / (np.sqrt((x**2).sum((-2, -1), keepdims=True)) + 1e-7)
        for _ in range(ns_steps):
            gram = x @ np.swapaxes(x, -1, -2)
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        p = p * (1 - rate * weight_decay) - rate * x
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Muon,
        formula=muon,
        accepted=({}, {"lr": 0.1, "nesterov": False, "ns_steps": 3}, {"momentum": 0.0}),
        refused=(
            *RATE,
            Refused({"momentum": 1.0}, "momentum is 1.0; it must be in [0, 1)"),
            Refused({"ns_steps": -1}, "ns_steps is -1; it must be at least 0"),
        ),
        collectives=(
            Collective("all-reduce", "norm of the momentum"),
            Collective("matmul", "three products an iteration, ns_steps iterations"),
        ),
        least_dims=2,
        addition=True,
    ),
)
