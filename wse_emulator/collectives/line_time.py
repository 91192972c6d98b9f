"""How long a reduction along a line takes when all its PEs are ready at once and nothing waits.

These are the rules of the machine written out for one line; the engines give the same number, and
a test holds them to it. The planner compares algorithms by them.
"""

from __future__ import annotations

from collections.abc import Sequence

from wse_emulator.collectives.algorithms import LineAlgorithm
from wse_emulator.wafer.messages import free_latency, message_cycles
from wse_emulator.wafer.spec import WaferSpec


def reduce_cycles(
    algorithm: LineAlgorithm, arms: Sequence[int], wavelets: int, spec: WaferSpec
) -> int:
    """The cycles until the root has the sum.

    Args:
        algorithm: how the line is reduced.
        arms: PEs on each side of the root, the root counted in each; the first is taken first.
        wavelets: length of the vector.
        spec: the machine.
    """
    b = message_cycles(wavelets, spec)
    if b == 0:
        return 0
    time = 0
    for positions in arms:
        for arrival in _arrivals(algorithm, positions, b, spec):
            time = max(time, arrival) + b
    return time


def _arrivals(algorithm: LineAlgorithm, positions: int, b: int, spec: WaferSpec) -> list[int]:
    """When the heads of the messages from one side arrive at the root, in order."""
    if positions < 2:
        return []
    step = free_latency(1, spec)
    match algorithm.kind:
        case "star":
            return [free_latency(j, spec) for j in range(1, positions)]
        case "tree":
            return _tree_arrivals(positions, b, spec)
        case "two-phase" if 1 < algorithm.group < positions:
            return _two_phase_arrivals(positions, algorithm.group, b, spec)
        case _:
            return [(positions - 1) * step]


def _tree_arrivals(positions: int, b: int, spec: WaferSpec) -> list[int]:
    """When the messages of a tree arrive: the PE at distance 2^k sends in round k.

    Its subtree reaches to distance 2^(k+1) or the end of the line.
    """
    arrivals = []
    for k in range((positions - 1).bit_length()):
        distance = 1 << k
        own = _tree_arrivals(min(distance, positions - distance), b, spec)
        ready = 0
        for arrival in own:
            ready = max(ready, arrival) + b
        arrivals.append(ready + free_latency(distance, spec))
    return arrivals


def _two_phase_arrivals(positions: int, group: int, b: int, spec: WaferSpec) -> list[int]:
    """When the sums of the root's own group and of the chain of leaders arrive.

    Each leader is ready when its group is done.
    """
    leaders = -(-positions // group)
    step, stride = free_latency(1, spec), free_latency(group, spec)
    last_group = positions - (leaders - 1) * group
    touch = (last_group - 1) * step + b if last_group > 1 else 0  # the last leader sends first
    for _ in range(leaders - 2):
        touch = max((group - 1) * step + b, touch + stride)
    return [(group - 1) * step, touch + stride]


def broadcast_cycles(hops: int, wavelets: int, spec: WaferSpec, *, turns: bool = False) -> int:
    """The cycles until a multicast is at the farthest PE, ``hops`` links away."""
    b = message_cycles(wavelets, spec)
    if b == 0 or hops == 0:
        return 0
    return b + free_latency(hops, spec) + (spec.turn_cycles if turns else 0)
