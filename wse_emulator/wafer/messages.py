"""How long a message occupies a link, how long its head travels, how much of it fits on the way.

Both engines, the planner of collectives and the check of conservation take them from here. The
numbers in brackets are rules of docs/machine_rules.md.
"""

from __future__ import annotations

from wse_emulator.wafer.spec import WaferSpec


def wavelets_of(size_bytes: int, spec: WaferSpec) -> int:
    """Wavelets that carry so many bytes; the last one may be partly empty."""
    return -(-size_bytes // spec.wavelet_bytes)


def message_cycles(wavelets: int, spec: WaferSpec) -> int:
    """Cycles that a message occupies each link of its path: B [1.1]."""
    beta = spec.cycles_per_wavelet
    return -(-wavelets * beta.numerator // beta.denominator)


def free_latency(links: int, spec: WaferSpec, corners: int = 0) -> int:
    """Cycles from the source's first touch to the head's arrival at the sink: lambda(d) [1.2].

    Args:
        links: between the routers of source and sink.
        spec: the machine.
        corners: where the path turns.
    """
    return (
        spec.touch_cycles
        + 2 * spec.ramp_cycles
        + links * spec.hop_cycles
        + corners * spec.turn_cycles
    )


def task_cycles(spec: WaferSpec) -> int:
    """Cycles from a head's arrival to its first touch, where the head starts a task that receives
    and passes on in software [2.7]."""
    return spec.activation_cycles + spec.completion_cycles


def wavelets_on_the_way(links: int, spec: WaferSpec, corners: int = 0) -> int:
    """Wavelets that fit between source and sink, the sink's queue included: K(d) [1.3]."""
    return free_latency(links, spec, corners) + spec.queue_depth_wavelets
