"""How samples move through the layers: micro-batch and recomputation, given or chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wse_emulator.activations.in_flight import recomputable_layers
from wse_emulator.activations.profile import ActivationProfile
from wse_emulator.fitting.request import FitRequest


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
    request: FitRequest, profile: ActivationProfile, fits: Callable[[Samples], bool]
) -> Samples:
    """The least recomputation that fits, and with it the largest micro-batch.

    What the request gives stays as it is. If nothing fits, the way with the least bytes is
    returned: one sample at a time (or as given), all layers recomputed (or as given).
    """
    assert request.batch_size is not None
    layers = recomputable_layers(profile)
    least_micro = request.micro_batch or 1

    def at(micro_batch: int, recomputed: int) -> Samples:
        return Samples(micro_batch=micro_batch, recomputed=recomputed)

    if request.recompute is not None:
        recomputed = min(request.recompute, layers)
    elif not fits(at(least_micro, layers)):
        return at(least_micro, layers)
    else:
        recomputed = _first_true(0, layers, lambda k: fits(at(least_micro, k)))
    if request.micro_batch is not None or not fits(at(1, recomputed)):
        return at(least_micro, recomputed)
    micro = _last_true(1, request.batch_size, lambda m: fits(at(m, recomputed)))
    return at(micro, recomputed)


def _first_true(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number from ``low`` for which it holds; it holds at ``high``."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _last_true(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to ``high`` for which it holds; it holds at ``low``."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
