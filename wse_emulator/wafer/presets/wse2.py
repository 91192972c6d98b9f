"""WSE-2, the second generation (2021), which most documents describe."""

from __future__ import annotations

from typing import Final

from wse_emulator.wafer.lanes import WSE2_LANES
from wse_emulator.wafer.registry import register
from wse_emulator.wafer.sources import HPDC, SHARED_SOURCES, SHARED_UNSOURCED, SIMD_TABLE
from wse_emulator.wafer.spec import WaferSpec

_BESIDE_MEMCPY = "program rectangle beside memcpy; csl-examples, single-tile-matvec; Miyajima"

WSE2: Final = register(
    WaferSpec(
        name="wse2",
        rows=994,
        cols=750,
        clock_hz=850_000_000,
        fabric_rows=996,
        fabric_cols=757,
        lanes=WSE2_LANES,
        sources={
            **SHARED_SOURCES,
            "rows": _BESIDE_MEMCPY,
            "cols": _BESIDE_MEMCPY,
            "fabric_rows": "--fabric-dims 757,996 (width, height); SDK documentation",
            "fabric_cols": "--fabric-dims 757,996 (width, height); SDK documentation",
            "clock_hz": "850 MHz in the SDK's own timing examples; the design maximum is 1.1 GHz",
            "hop_cycles": f"1 cycle a hop; Rocki et al. 2020, {HPDC}",
            "queue_depth_wavelets": "input queues 4 to 7 hold 2 words; SDK 2.10 DSD page",
            "reserved_colors": "memcpy keeps colors 21 to 23; SDK documentation",
            "lanes": SIMD_TABLE,
        },
        unsourced=SHARED_UNSOURCED,
    )
)
