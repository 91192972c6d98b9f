"""The release rule equals a simulation of every wavelet with finite buffers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines.drawn import machine
from wse_emulator.activities import Activity, Chain, LineMulticast, OpChain, Shift, VectorOp, Work
from wse_emulator.engines import simulate
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region

READY = st.lists(st.integers(0, 150), min_size=2, max_size=9)


def releases(
    ready: list[int], message: Activity, ramp: int, queue: int, task: int = 0
) -> list[int]:
    spec = machine(
        cols=len(ready),
        ramp_cycles=ramp,
        queue_depth_wavelets=queue,
        activation_cycles=task,
        completion_cycles=0,
    )
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
@given(READY, st.integers(1, 60), st.integers(0, 3), st.integers(0, 8), st.integers(0, 9))
def test_chain_moves_wavelet_by_wavelet(
    ready: list[int], wavelets: int, ramp: int, queue: int, task: int
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
                bounds.append(touched[i + 1, m] + latency + (0 if m else task))
            if i and m >= room:  # a place is free in front of the position ahead
                bounds.append(touched[i - 1, m - room])
            touched[i, m] = max(bounds)
    row = Region(0, 0, 1, len(ready))
    chain = Chain("c", row, "row", 0, 1, len(ready), wavelets, "c", software=task > 0)
    assert releases(ready, chain, ramp, queue, task) == (touched[:, -1] + 1).tolist()


@settings(max_examples=80)
@given(READY, st.integers(1, 60), st.integers(0, 3), st.integers(0, 8))
def test_shift_moves_wavelet_by_wavelet(
    ready: list[int], wavelets: int, ramp: int, queue: int
) -> None:
    order = [*range(0, len(ready), 2), *reversed(range(1, len(ready), 2))]
    sent, taken = touches(len(ready), wavelets), touches(len(ready), wavelets)
    for m in range(wavelets):
        for source, sink in zip(order, [*order[1:], 0], strict=True):
            latency = 1 + 2 * ramp + abs(source - sink)
            sent[source, m] = sent[source, m - 1] + 1 if m else ready[source]
            if m >= latency + queue:  # a place is free in front of the sink
                sent[source, m] = max(sent[source, m], taken[sink, m - latency - queue])
            taken[sink, m] = max(
                taken[sink, m - 1] + 1 if m else ready[sink], sent[source, m] + latency
            )
    both = np.maximum(sent[:, -1], taken[:, -1]) + 1
    shift = Shift("s", Region(0, 0, 1, len(ready)), "row", wavelets, "s")
    assert releases(ready, shift, ramp, queue) == both.tolist()


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
