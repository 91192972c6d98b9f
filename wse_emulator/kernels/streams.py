"""Streams through a kernel: how long the elements that enter or leave a PE keep it busy."""

from __future__ import annotations

from fractions import Fraction

from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


def packed_stream_cycles(elements: int, dtype: str, spec: WaferSpec) -> Fraction:
    """Cycles of a stream whose wavelets are full: two elements of 16 bits in each of 32.

    Args:
        elements: of the token on the PE.
        dtype: format of the elements, a key of ``BYTES``.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> packed_stream_cycles(30, "float16", WSE2)
        Fraction(15, 1)
    """
    return Fraction(elements * BYTES[dtype], spec.wavelet_bytes) * spec.cycles_per_wavelet


def stream_cycles(elements: int, spec: WaferSpec) -> Fraction:
    """Cycles of a stream that carries one element in each wavelet, whatever its format.

    Args:
        elements: of the token on the PE.
        spec: the machine.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> stream_cycles(30, WSE2)
        Fraction(30, 1)
    """
    return elements * spec.cycles_per_wavelet
