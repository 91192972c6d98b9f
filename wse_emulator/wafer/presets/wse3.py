"""WSE-3, the third generation (2024): as documented, and with the rates measured on silicon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from wse_emulator.wafer.lanes import LaneRate, rates
from wse_emulator.wafer.registry import register
from wse_emulator.wafer.sources import (
    FABRICA,
    KERNELS,
    SHARED_SOURCES,
    SHARED_UNSOURCED,
    SIMD_TABLE,
)
from wse_emulator.wafer.spec import WaferSpec

WSE3_LANES: Final = rates(
    {
        "move": {"float16": 8, "float32": 4, "int16": 8},
        "add": {"float16": 8, "float32": 4, "mixed": 4},
        "mul": {"float16": 8, "float32": 1, "mixed": 1},
        "fma": {"float16": 8, "float32": 1, "mixed": 4},
        "product": {"float16": 4, "float32": 1, "mixed": 4},
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
"""WSE-3, as documented. Through its read port two sources from memory reach half of 8 lanes."""


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
        if rate.op_class == "product":
            table.append(rate)  # products on silicon run at this rate, whatever long vectors do
        elif key in measured:
            speed, launch = measured[key]
            table.append(LaneRate(*key, speed, launch))
        else:
            cap = caps[16 if rate.dtype in ("float16", "int16") else 32]
            table.append(LaneRate(*key, min(rate.elements_per_cycle, cap)))
    return tuple(table)


_PRODUCTS: Final = (
    "Multiply-adds of a product of float16 matrices 4 a cycle: 8 are documented, the read port "
    "lets 4 pass where both vectors lie in memory, and products on CS-3 silicon take as many "
    "(Wang-oss-tech/Wafer-Scale-Accelerator-Experiments@6b781e0); long vectors of y + a x took "
    f"2.92 in another program on silicon ({FABRICA})"
)
_WSE3_SOURCES: Final[Mapping[str, str]] = {
    **SHARED_SOURCES,
    "rows": "assumption: fabric height less 2, the rule documented for WSE-2",
    "cols": "assumption: fabric width less 7, the rule documented for WSE-2",
    "fabric_rows": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "fabric_cols": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "clock_hz": "875 MHz in users' timing code (time = cycles / 0.875)",
    "hop_cycles": f"2.000 cycles a hop on silicon, 1 to 128 hops, {FABRICA}; vendor wording is 1",
    "sram_read_bytes_per_cycle": (
        "16, as on WSE-2: 3.94 int16 adds a cycle with two sources in memory, where one source "
        f"reaches the documented 8, simulator; {KERNELS}"
    ),
    "sram_write_bytes_per_cycle": (
        "16, twice the WSE-2: 7.93 elements of 2 bytes filled and 7.85 copied a cycle, "
        f"simulator; {KERNELS}"
    ),
    "queue_depth_wavelets": "input queues 2 to 7 hold 4 words; SDK 2.10 DSD page",
    "reserved_colors": "assumption: as on WSE-2; on WSE-3 memcpy is documented to keep queues 0, 1",
    "lanes": f"{SIMD_TABLE}. {_PRODUCTS}",
}
_WSE3_UNSOURCED = SHARED_UNSOURCED | {
    "rows",
    "cols",
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
                f"float32) on silicon, over vectors of 256 to 4,096 elements; {FABRICA}. "
                f"{_PRODUCTS}. "
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
