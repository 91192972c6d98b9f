"""WSE-3, the third generation (2024): as documented, and with the rates measured on silicon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from wse_emulator.wafer.lanes import LaneRate, rates
from wse_emulator.wafer.registry import register
from wse_emulator.wafer.sources import FABRICA, SHARED_SOURCES, SHARED_UNSOURCED, SIMD_TABLE
from wse_emulator.wafer.spec import WaferSpec

WSE3_LANES: Final = rates(
    {
        "move": {"float16": 8, "float32": 4, "int16": 8},
        "add": {"float16": 8, "float32": 4, "mixed": 4},
        "mul": {"float16": 8, "float32": 1, "mixed": 1},
        "fma": {"float16": 8, "float32": 1, "mixed": 4},
        "max": {"float16": 8, "float32": 4},
        "sign": {"float16": 4, "float32": 4},
        "scale": {"float16": 4, "float32": 4},
        "convert": {"float16": 4, "float32": 4, "mixed": 4},
        "integer": {"int16": 8},
        "carry": {"int16": 8},
        "shift": {"int16": 4},
        "reduce": {"float16": "1/2", "float32": "1/2", "mixed": "1/2", "int16": "1/2"},
    }
)
"""WSE-3, as documented; lanes of 8 need ports of 32 and 16 bytes a cycle."""


def _silicon_lanes() -> tuple[LaneRate, ...]:
    """WSE-3 with the four rates measured on silicon, others capped at the measured copy rate."""
    measured = {
        ("move", "float16"): (Fraction("4.82"), 15),
        ("move", "int16"): (Fraction("4.82"), 15),
        ("move", "float32"): (Fraction("2.44"), 15),
        ("fma", "float16"): (Fraction("2.92"), 16),
        ("fma", "float32"): (Fraction("0.50"), 17),
    }
    caps = {16: Fraction("4.82"), 32: Fraction("2.44")}
    table = []
    for rate in WSE3_LANES:
        key = (rate.op_class, rate.dtype)
        if key in measured:
            speed, launch = measured[key]
            table.append(LaneRate(*key, speed, launch))
        else:
            cap = caps[16 if rate.dtype in ("float16", "int16") else 32]
            table.append(LaneRate(*key, min(rate.elements_per_cycle, cap)))
    return tuple(table)


_WSE3_SOURCES: Final[Mapping[str, str]] = {
    **SHARED_SOURCES,
    "rows": "assumption: fabric height less 2, the rule documented for WSE-2",
    "cols": "assumption: fabric width less 7, the rule documented for WSE-2",
    "fabric_rows": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "fabric_cols": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "clock_hz": "875 MHz in users' timing code (time = cycles / 0.875)",
    "hop_cycles": f"2.000 cycles a hop on silicon, 1 to 128 hops, {FABRICA}; vendor wording is 1",
    "sram_read_bytes_per_cycle": (
        "assumption: twice the WSE-2, without which the documented 8 lanes cannot be reached"
    ),
    "sram_write_bytes_per_cycle": (
        "assumption: twice the WSE-2, without which the documented 8 lanes cannot be reached"
    ),
    "queue_depth_wavelets": "input queues 2 to 7 hold 4 words; SDK 2.10 DSD page",
    "reserved_colors": "assumption: as on WSE-2; on WSE-3 memcpy is documented to keep queues 0, 1",
    "lanes": SIMD_TABLE,
}
_WSE3_UNSOURCED = SHARED_UNSOURCED | {
    "rows",
    "cols",
    "sram_read_bytes_per_cycle",
    "sram_write_bytes_per_cycle",
    "reserved_colors",
}

WSE3: Final = register(
    WaferSpec(
        name="wse3",
        rows=1170,
        cols=755,
        clock_hz=875_000_000,
        fabric_rows=1172,
        fabric_cols=762,
        sram_read_bytes_per_cycle=32,
        sram_write_bytes_per_cycle=16,
        hop_cycles=2,
        queue_depth_wavelets=4,
        lanes=WSE3_LANES,
        sources=_WSE3_SOURCES,
        unsourced=_WSE3_UNSOURCED,
    )
)

WSE3_SILICON: Final = register(
    replace(
        WSE3,
        name="wse3-silicon",
        cycles_per_wavelet=Fraction(9, 8),
        lanes=_silicon_lanes(),
        sources={
            **_WSE3_SOURCES,
            "cycles_per_wavelet": f"1.125 cycles a wavelet on silicon; {FABRICA}",
            "lanes": (
                "copy 4.82 and 2.44, multiply-add 2.92 and 0.50 elements a cycle (float16, "
                f"float32) on silicon; {FABRICA}. "
                "Assumption: other classes as documented, at most the copy rate"
            ),
        },
        unsourced=_WSE3_UNSOURCED | {"lanes"},
    ),
    silicon_of="wse3",
    calibrated={
        "vector_op": "the preset's lane rates come from the same source",
        "stream": "the preset's cycles a wavelet and a hop come from the same source",
    },
)
