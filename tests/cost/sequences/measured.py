"""What the sequences compute, against exact values: arguments, references, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from wse_emulator.cost.sequences import VECTOR_FUNCTIONS, evaluate, sequence
from wse_emulator.cost.sequences.circular import LARGEST_ANGLE
from wse_emulator.cost.sequences.rounding import FORMATS, Doubles, Floats, rounded, values_of

DTYPES: Final = tuple(FORMATS)

LINES: Final = {"log": 3.0, "sigmoid": 3.0, "tanh": 6.0}
"""Largest error allowed, in units in the last place; 2 for all others."""

DENSE: Final = 1_021
"""Every so many bit patterns of float32 are computed in make test."""

DENSER: Final = 101
"""The same in make test-deep."""


def _erf(x: Doubles) -> Doubles:
    values: Doubles = torch.erf(torch.from_numpy(x)).numpy()
    return values


def _sigmoid(x: Doubles) -> Doubles:
    return np.where(x < 0, np.exp(x), 1.0) / (1 + np.exp(-np.abs(x)))


EXACT: Final[dict[str, Callable[..., Doubles]]] = {
    "division": lambda x, y: x / y,
    "reciprocal": lambda x: 1 / x,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "cos": np.cos,
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": _erf,
}
"""The functions in float64."""

assert set(EXACT) == set(VECTOR_FUNCTIONS)


def exact(function: str, *arguments: Floats) -> Doubles:
    """The values of ``function`` in float64."""
    with np.errstate(all="ignore"):
        return EXACT[function](*(x.astype(np.float64) for x in arguments))


@dataclass(frozen=True)
class Range:
    """The finite positive values of a format: smallest normal, and where infinity begins."""

    smallest: float
    infinite: float
    digits: int


def range_of(dtype: str) -> Range:
    mantissa, largest_exponent = FORMATS[dtype]
    return Range(
        2.0 ** (1 - largest_exponent),
        (2 - 2.0 ** -(mantissa + 1)) * 2.0**largest_exponent,
        mantissa,
    )


def arguments(function: str, dtype: str, every: int = DENSE) -> tuple[Floats, ...]:
    """All values of a 16-bit format; of float32 every ``every``th, and the edges of its binades.

    A division gets each as dividend and others as divisors: in 16 bits a million pairs.
    """
    if dtype == "float32":
        values = _quiet(np.concatenate([_patterns(every), _edges()]))
    else:
        values = _quiet(values_of(np.arange(1 << 16, dtype=np.uint16), dtype))
    if function != "division":
        return (values,)
    copies = 1 if dtype == "float32" else 16
    rng = np.random.default_rng(0)
    dividends = np.tile(values, copies)
    anywhere = rng.permutation(dividends)
    # a divisor of about the same size, so that the quotient is near 1
    with np.errstate(all="ignore"):
        near = dividends * rng.uniform(0.5, 2.0, dividends.size).astype(np.float32)
        close = rounded(near, dtype)
    return dividends, np.where(rng.random(dividends.size) < 0.5, anywhere, close)


def _quiet(values: Floats) -> Floats:
    """Without the NaN that no operation makes: those that the upper word does not tell."""
    bits = values.view(np.uint32)
    return values[~np.isnan(values) | ((bits & np.uint32(1 << 22)) != 0)]


def _patterns(every: int) -> Floats:
    return np.arange(0, 1 << 32, every, dtype=np.uint64).astype(np.uint32).view(np.float32)


def _edges() -> Floats:
    """Powers of two and their neighbours, subnormals, the largest values, infinities, NaN."""
    powers = np.arange(256, dtype=np.int64) << 23
    near = np.concatenate([powers + step for step in range(-3, 4)])
    bits = np.concatenate([near, np.arange(2_000), np.arange(1, 1 << 23, 99_991), [0x7FC0_0000]])
    bits = bits[(bits >= 0) & (bits <= 0x7FC0_0000)]
    positive = bits.astype(np.uint32)
    return np.concatenate([positive, positive | np.uint32(1 << 31)]).view(np.float32)


def units(got: Floats, want: Doubles, dtype: str) -> Doubles:
    """The distance of each value from the exact one, in units of its last place."""
    limits = range_of(dtype)
    with np.errstate(all="ignore"):
        exponent = np.frexp(np.maximum(np.abs(want), limits.smallest))[1] - 1
        away = np.abs(got.astype(np.float64) - want) / np.ldexp(1.0, exponent - limits.digits)
    return np.where(np.isnan(away), np.inf, away)


@dataclass(frozen=True)
class Measured:
    """The errors of a sequence over its arguments.

    Attributes:
        normal: the largest on normal arguments with normal results, in units.
        subnormal_arguments, subnormal_results: the largest on these, infinite if they are not of
            the result's order; None if there are none.
        overflow: whether all results that are too large are infinite; None if there are none.
    """

    normal: float
    subnormal_arguments: float | None
    subnormal_results: float | None
    overflow: bool | None


def measured(function: str, dtype: str, every: int = DENSE) -> Measured:
    """Evaluate a sequence on its arguments and compare."""
    given = arguments(function, dtype, every)
    limits = range_of(dtype)
    want = exact(function, *given)
    got = evaluate(sequence(function, dtype), *given)
    assert np.isnan(got[np.any([np.isnan(x) for x in given], axis=0)]).all()
    beyond = 1 + 2.0 ** (1 - limits.digits)  # two units above the largest value
    with np.errstate(all="ignore"):
        magnitude = np.abs(want)
        finite = np.all([np.isfinite(x) for x in given], axis=0)
        if function in ("cos", "sin"):
            finite &= np.abs(given[0]) <= LARGEST_ANGLE[dtype]
        normal = finite & np.all([np.abs(x) >= limits.smallest for x in given], axis=0)
        tiny = finite & ~normal & np.all([x != 0 for x in given], axis=0)
        representable = (magnitude < limits.infinite) & np.isfinite(want)
        large = normal & (magnitude >= limits.infinite * beyond) & np.isfinite(want)
        away = units(got, want, dtype)
    results = representable & (magnitude >= limits.smallest)
    small = normal & (magnitude > 0) & (magnitude < limits.smallest)
    return Measured(
        float(np.max(away[normal & results])),
        _largest(away[tiny & results]),
        _largest(away[small]),
        bool(np.isinf(got[large]).all()) if large.any() else None,
    )


def _largest(away: Doubles) -> float | None:
    return float(np.max(away)) if away.size else None
