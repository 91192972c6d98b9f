"""Messages in numbers that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from wse_emulator.wafer import WSE2
from wse_emulator.wafer.messages import (
    free_latency,
    message_cycles,
    wavelets_of,
    wavelets_on_the_way,
)


@pytest.mark.parametrize(("size", "wavelets"), [(0, 0), (1, 1), (4, 1), (5, 2), (4096, 1024)])
def test_a_wavelet_carries_four_bytes(size: int, wavelets: int) -> None:
    assert wavelets_of(size, WSE2) == wavelets


def test_a_slow_link_takes_whole_cycles() -> None:
    spec = replace(WSE2, cycles_per_wavelet=Fraction(9, 8))
    assert [message_cycles(n, spec) for n in (0, 1, 8, 9)] == [0, 2, 9, 11]


def test_the_head_pays_touch_ramps_links_and_corners() -> None:
    spec = replace(
        WSE2, touch_cycles=1, ramp_cycles=2, hop_cycles=3, turn_cycles=5, queue_depth_wavelets=7
    )
    assert free_latency(4, spec) == 1 + 2 * 2 + 4 * 3
    assert free_latency(4, spec, 1) == 1 + 2 * 2 + 4 * 3 + 5
    assert wavelets_on_the_way(4, spec, 1) == free_latency(4, spec, 1) + 7
