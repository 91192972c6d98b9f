"""The update rules once more, in NumPy and float64, written from the formulas alone.

Each function is a generator of parameter values, one for each gradient it is given. Scalars are
exact float64 here; the implementation keeps some in float32, which the tests' tolerances allow for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Trajectory = Iterator[Array]


def _regularized(g: Array, p: Array, weight_decay: float, maximize: bool) -> Array:
    return (-g if maximize else g) + weight_decay * p


def asgd(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.01,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> Trajectory:
    eta = lr
    for t, raw in enumerate(gradients, 1):
        g = _regularized(raw, p, weight_decay, maximize)
        p = p * (1 - lambd * eta) - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
        yield p


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
        g = _regularized(raw, p, weight_decay, maximize)
        square = rho * square + (1 - rho) * g**2
        delta = np.sqrt(moved + eps) / np.sqrt(square + eps) * g
        moved = rho * moved + (1 - rho) * delta**2
        p = p - lr * delta
        yield p


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x**2))) if x.size else 0.0


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
        rate = lr * max(_rms(p), eps[1]) if scale_parameter else lr
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
        u = rate * u / max(1.0, _rms(u))
        p = p - weight_decay * rate * p - u
        yield p


def adagrad(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 0.01,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-6,
    maximize: bool = False,
) -> Trajectory:
    total = np.full_like(p, initial_accumulator_value)
    for t, raw in enumerate(gradients, 1):
        g = _regularized(raw, p, weight_decay, maximize)
        total = total + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + eps)
        yield p


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
        g = _regularized(raw, p, weight_decay, maximize)
        mean = betas[0] * mean + (1 - betas[0]) * g
        norm = np.maximum(betas[1] * norm, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * mean / norm
        yield p


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


def nadam(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    product = 1.0
    for t, raw in enumerate(gradients, 1):
        g = raw + weight_decay * p
        mu = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))
        mu_next = betas[0] * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        product *= mu
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        d = np.sqrt(second / (1 - betas[1] ** t)) + eps
        of_mean = mu_next / (1 - product * mu * mu_next)
        p = p - lr * (of_mean * mean + (1 - mu) / (1 - product) * g) / d
        yield p


def radam(
    p: Array,
    gradients: Sequence[Array],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 0.0,
) -> Trajectory:
    mean = np.zeros_like(p)
    second = np.zeros_like(p)
    longest = 2 / (1 - betas[1]) - 1
    for t, raw in enumerate(gradients, 1):
        g = raw + weight_decay * p
        mean = betas[0] * mean + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        u = mean / (1 - betas[0] ** t)
        rho = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if rho > 5:
            rectifier = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
            u = u * np.sqrt(rectifier) * np.sqrt(1 - betas[1] ** t) / (np.sqrt(second) + eps)
        p = p - lr * u
        yield p


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
        g = _regularized(raw, p, weight_decay, maximize)
        if momentum:
            buffer = momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
        yield p


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


FORMULAS: dict[str, Callable[..., Trajectory]] = {
    "ASGD": asgd,
    "Adadelta": adadelta,
    "Adafactor": adafactor,
    "Adagrad": adagrad,
    "Adam": adam,
    "AdamW": adamw,
    "Adamax": adamax,
    "Lamb": lamb,
    "Lion": lion,
    "Muon": muon,
    "NAdam": nadam,
    "RAdam": radam,
    "RMSprop": rmsprop,
    "Rprop": rprop,
    "SGD": sgd,
}
