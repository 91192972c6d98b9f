"""Adafactor: how to build it, how not to, and its rule in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimizers import Adafactor
from tests.optimizers.record import Array, Collective, OptimizerRecord, Refused, Trajectory, rms


def adafactor(
    p: Array,
    gradients: Sequence[Array],
    lr: float,
    eps: tuple[float, float] = (1e-30, 1e-3),
    decay_rate: float = -0.8,
    weight_decay: float = 0.0,
    scale_parameter: bool = True,
) -> Trajectory:
    row = np.zeros(p.shape[:-1])
    column = np.zeros(p.shape[:-2] + p.shape[-1:])
    whole = np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        if not p.size:
            yield p
            continue
        rate = lr * max(rms(p), eps[1]) if scale_parameter else lr
        keep = 1 - t**decay_rate
        s = g**2 + eps[0]
        if p.ndim >= 2:
            row = keep * row + (1 - keep) * s.mean(-1)
            column = keep * column + (1 - keep) * s.mean(-2)
            shares = row / row.mean(-1, keepdims=True)
            u = g / np.sqrt(shares[..., :, None] * column[..., None, :])
        else:
            whole = keep * whole + (1 - keep) * s
            u = g / np.sqrt(whole)
        u = rate * u / max(1.0, rms(u))
        p = p - weight_decay * rate * p - u
        yield p


RECORDS = (
    OptimizerRecord(
        optimizer=Adafactor,
        formula=adafactor,
        accepted=(
            {"lr": 0.01},
            {"lr": 0.01, "weight_decay": 0.1, "scale_parameter": False},
            {"lr": 0.1, "eps": (1e-8, 0.01), "decay_rate": -0.5},
        ),
        refused=(
            Refused({"lr": -0.1}, "lr is -0.1; it must be at least 0"),
            Refused({"lr": 0.1, "clip_threshold": 2.0}, "clip_threshold is 2.0; it must be 1.0"),
            Refused({"lr": 0.1, "beta1": 0.9}, "beta1 is 0.9; it must be None"),
            Refused({"lr": 0.1, "relative_step": True}, "relative_step is True; it must be False"),
            Refused({"lr": 0.1, "warmup_init": True}, "warmup_init is True; it must be False"),
            Refused({"lr": 0.1, "eps": 1e-3}, "eps is 0.001; it must be a pair"),
        ),
        collectives=(
            Collective("all-reduce", "root mean square of the parameter"),
            Collective("row-reduce", "mean square of the gradient along columns"),
            Collective("column-reduce", "mean square of the gradient along rows"),
            Collective("all-reduce", "root mean square of the update"),
        ),
    ),
)
