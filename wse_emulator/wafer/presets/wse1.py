"""WSE-1, the first generation (2019)."""

from __future__ import annotations

from typing import Final

from wse_emulator.wafer.lanes import WSE2_LANES
from wse_emulator.wafer.registry import register
from wse_emulator.wafer.sources import SHARED_SOURCES, SHARED_UNSOURCED
from wse_emulator.wafer.spec import WaferSpec

WSE1: Final = register(
    WaferSpec(
        name="wse1",
        rows=595,
        cols=602,
        clock_hz=900_000_000,
        lanes=WSE2_LANES,
        sources={
            **SHARED_SOURCES,
            "rows": "595 of the 602 x 595 PEs used by Rocki et al. 2020",
            "cols": "602 of the 602 x 595 PEs used by Rocki et al. 2020",
            "fabric_rows": "assumption: as the program rectangle; no fabric size published",
            "fabric_cols": "assumption: as the program rectangle; no fabric size published",
            "clock_hz": (
                "assumption: 0.86 PFLOP/s is about a third of peak (Rocki et al. 2020), which "
                "gives 0.90 GHz at 8 flop a cycle"
            ),
            "hop_cycles": "1 cycle a hop; Rocki et al. 2020",
            "queue_depth_wavelets": "assumption: as on WSE-2",
            "reserved_colors": "assumption: as on WSE-2",
            "lanes": "assumption: as on WSE-2; the presentation slides agree on 4-way float16",
        },
        unsourced=SHARED_UNSOURCED
        | {
            "fabric_rows",
            "fabric_cols",
            "clock_hz",
            "queue_depth_wavelets",
            "reserved_colors",
            "lanes",
        },
    )
)
