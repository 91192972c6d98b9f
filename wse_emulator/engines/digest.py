"""One number for a whole timing, to compare engines and runs."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from wse_emulator.engines.timing import Timing


def digest(timing: Timing) -> str:
    """SHA-256 over op start and end times, per-PE busy cycles and SRAM peaks, and per-link busy
    cycles, each as its shape and its elements in row-major order, all int64 little-endian."""
    state = sha256()
    for array in (
        timing.op_start,
        timing.op_end,
        timing.pe_busy,
        timing.sram_peak,
        timing.link_busy,
    ):
        state.update(np.array(array.shape, "<i8").tobytes())
        state.update(np.ascontiguousarray(array, "<i8").data)
    return state.hexdigest()
