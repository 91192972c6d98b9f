"""The release rule equals a simulation of every wavelet with finite buffers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines.drawn import machine
from wse_emulator.activities import Activity, Chain, LineMulticast, OpChain, VectorOp, Work
from wse_emulator.engines import simulate
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region

READY = st.lists(st.integers(0, 150), min_size=2, max_size=9)


def releases(ready: list[int], message: Activity, ramp: int, queue: int) -> list[int]:
    spec = machine(cols=len(ready), ramp_cycles=ramp, queue_depth_wavelets=queue)
    row = Region(0, 0, 1, len(ready))
    work = Work(
        "ready",
        row,
        tuple(OpChain((VectorOp(0, r),)) for r in ready),
        tuple((1, i) for i in range(len(ready))),
    )
    timing = simulate(
        "array",
        spec,
        [work, message],
        resident_bytes=np.zeros((1, len(ready)), np.int64),
        op_count=1,
    )
    return [int(end) for end in timing.pe_final[0]]


def touches(pes: int, wavelets: int) -> IntArray:
    return np.zeros((pes, wavelets), np.int64)


@settings(max_examples=80)
@given(READY, st.integers(1, 60), st.integers(0, 3), st.integers(0, 8))
def test_chain_moves_wavelet_by_wavelet(
    ready: list[int], wavelets: int, ramp: int, queue: int
) -> None:
    latency = 1 + 2 * ramp + 1
    room = latency + queue
    touched = touches(len(ready), wavelets)
    for m in range(wavelets):
        for i in reversed(range(len(ready))):
            bounds = [ready[i]]
            if m:
                bounds.append(touched[i, m - 1] + 1)
            if i + 1 < len(ready):  # the wavelet has come from the position behind
                bounds.append(touched[i + 1, m] + latency)
            if i and m >= room:  # a place is free in front of the position ahead
                bounds.append(touched[i - 1, m - room])
            touched[i, m] = max(bounds)
    row = Region(0, 0, 1, len(ready))
    chain = Chain("c", row, "row", 0, 1, len(ready), wavelets, "c")
    assert releases(ready, chain, ramp, queue) == (touched[:, -1] + 1).tolist()


@settings(max_examples=80)
@given(READY, st.integers(1, 60), st.integers(0, 3), st.integers(0, 8))
def test_multicast_moves_wavelet_by_wavelet(
    ready: list[int], wavelets: int, ramp: int, queue: int
) -> None:
    latency = [1 + 2 * ramp + d for d in range(len(ready))]
    touched = touches(len(ready), wavelets)
    for m in range(wavelets):
        bounds = [ready[0]]
        if m:
            bounds.append(touched[0, m - 1] + 1)
        bounds += [
            touched[x, m - latency[x] - queue]
            for x in range(1, len(ready))
            if m >= latency[x] + queue
        ]
        touched[0, m] = max(bounds)
        for x in range(1, len(ready)):
            before = touched[x, m - 1] + 1 if m else 0
            touched[x, m] = max(ready[x], before, touched[0, m] + latency[x])
    row = Region(0, 0, 1, len(ready))
    multicast = LineMulticast("m", row, "row", 0, wavelets, "m")
    assert releases(ready, multicast, ramp, queue) == (touched[:, -1] + 1).tolist()
