"""How samples move through the layers: micro-batch and recomputation, given or chosen."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from wse_emulator.plan.activations import ActivationProfile
from wse_emulator.plan.in_flight import recomputable_layers
from wse_emulator.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One way to move samples.

    Attributes:
        micro_batch: samples that move together.
        recomputed: numbered layers, from the first, that run forward again in backward.
    """

    micro_batch: int
    recomputed: int


def choose_samples(
    request: Request,
    profile: ActivationProfile,
    may_fit: Callable[[Samples], bool],
    fits: Callable[[Samples], bool],
) -> Samples:
    """The least recomputation that fits, and with it the largest micro-batch.

    What the request gives stays as it is. If nothing fits, the way with the least bytes is
    returned: one sample at a time (or as given), all layers recomputed (or as given).

    Args:
        may_fit: false only where ``fits`` is; quick to ask.
        fits: the answer of a whole plan.
    """
    assert request.batch_size is not None
    layers, batch = recomputable_layers(profile), request.batch_size
    least_micro = request.micro_batch or 1

    def at(micro_batch: int, recomputed: int) -> Samples:
        return Samples(micro_batch=micro_batch, recomputed=recomputed)

    if request.recompute is not None:
        recomputed = layers if request.recompute == "full" else min(request.recompute, layers)
    else:
        least = _first_true(
            layers, lambda k: may_fit(at(least_micro, k)), lambda k: fits(at(least_micro, k))
        )
        if least is None:
            return at(least_micro, layers)
        recomputed = least
    if request.micro_batch is not None:
        return at(least_micro, recomputed)
    fewer = _first_true(
        batch - 1,
        lambda k: may_fit(at(batch - k, recomputed)),
        lambda k: fits(at(batch - k, recomputed)),
    )
    return at(1 if fewer is None else batch - fewer, recomputed)


def _first_true(
    last: int, may_hold: Callable[[int], bool], holds: Callable[[int], bool]
) -> int | None:
    """The least number from 0 to ``last`` for which it holds; None if for none.

    Both are false, then true. The bound is close, so the search starts there, in growing steps.
    """
    low = bisect_left(range(last + 1), True, key=may_hold)
    if low > last or not holds(last):
        return None
    high, step = low, 1
    while high < last and not holds(high):
        low, high, step = high + 1, min(high + step, last), 2 * step
    return low + bisect_left(range(low, high), True, key=holds)
