"""The machines there are, each figure with its source.

Where documents disagree the preset takes the one its comment or source names, and the field can
be set (``--set FIELD=VALUE`` or a machine file). ``WSE3_SILICON`` holds a third party's silicon
measurements where they differ from the documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from wse_emulator.wafer.lanes import WSE2_LANES, WSE3_LANES, silicon_lanes
from wse_emulator.wafer.spec import WaferSpec

_HPDC = "Luczynski et al., HPDC 2024, arXiv:2404.15888"
_FABRICA = "FABRICA, arXiv:2608.25124 (third-party preprint)"
_CSL = "CSL language reference, appendix (sdk.cerebras.net)"

_BESIDE_MEMCPY = "program rectangle beside memcpy; csl-examples, single-tile-matvec; Miyajima"

_SIMD_TABLE = (
    f"SIMD table of the {_CSL}; float32 multiply and multiply-add are not in it: 1; a vector into "
    f"one word 2 cycles an element, simulator, {_FABRICA}"
)

_SHARED_SOURCES: Final[Mapping[str, str]] = {
    "sram_bytes_per_pe": f"48 KiB; {_CSL}; confirmed at the linker by {_FABRICA}",
    "reserved_bytes_per_pe": (
        "assumption: 5.8 KB of code in realistic kernels, 4,176 B for a minimal one "
        f"({_FABRICA}), rounded up to 8 KiB for stack and communication buffers"
    ),
    "sram_banks": f"8 banks of 6 KB, successive 16-bit words in successive banks; {_CSL}",
    "sram_bank_groups": f"two reads need banks that differ modulo 4; {_CSL}",
    "sram_read_bytes_per_cycle": (
        "two 64-bit reads a cycle: Jacquelin et al., SC 2022; Hot Chips 34. The SDK's appendix "
        "says two 32-bit reads, under which the headline bandwidth cannot be reached"
    ),
    "sram_write_bytes_per_cycle": (
        "one 64-bit write a cycle: Jacquelin et al., SC 2022; Hot Chips 34. The SDK's appendix "
        "says one 32-bit write"
    ),
    "bank_conflict_factor": (
        "5,130 against 10,254 cycles for 5,124 float32 elements in the vendor's simulator "
        f"(pr0f3ss/SpMM_Cerebras); 1.94 on WSE-3 silicon, {_FABRICA}"
    ),
    "turn_cycles": (
        f"0: not mentioned by other sources; about 20 cycles on WSE-3 silicon by {_FABRICA}, "
        "which may be a correction of its clock synchronisation"
    ),
    "ramp_cycles": f"2 each way, fitted on a CS-2; {_HPDC}",
    "touch_cycles": f"the 1 of the published 2 T_R + 1 a stage; {_HPDC}",
    "cycles_per_wavelet": f"one 32-bit wavelet a cycle a link and direction; {_HPDC}",
    "wavelet_bytes": "32-bit payload; SDK documentation, Jacquelin et al., SC 2022",
    "launch_cycles": f"15 to 17 cycles of setup on WSE-3 silicon, {_FABRICA}; the middle",
    "scalar_op_cycles": f"dependent floating-point latency 2 cycles, simulator; {_FABRICA}",
    "scalar_divide_cycles": "about 50 cycles; comment in csl-examples, allreduce/pe.csl",
    "scalar_function_cycles": (
        "assumption: square root, exponential, logarithm, cosine as the division; none published"
    ),
    "scalar_function_low_cycles": (
        "assumption: the 11 instructions of the approximate reciprocal in csl-examples, blas.csl"
    ),
    "scalar_function_high_cycles": "assumption: twice the division",
    "short_functions": (
        "assumption: kernels keep the accuracy of the format; no vendor library is published"
    ),
    "dispatch_cycles": (
        f"7 cycles from dispatch to the first wavelet on the link, simulator, {_FABRICA}; "
        "less the touch and the ramp, which are counted by themselves"
    ),
    "activation_cycles": f"3 cycles from arrival to the task, simulator; {_FABRICA}",
    "completion_cycles": f"3 cycles from completion to the next task, simulator; {_FABRICA}",
    "colors": "24 routable colors; SDK documentation",
    "switch_positions": "up to 4 switch positions a color; SDK documentation",
    "host_bytes_per_second": "12 x 100 GbE = 1.2 Tb/s; product documentation",
    "host_channels": "at most 16 memcpy channels; sdk.cerebras.net, tensor streaming",
}

_SHARED_UNSOURCED = frozenset(
    {
        "reserved_bytes_per_pe",
        "scalar_function_cycles",
        "scalar_function_low_cycles",
        "scalar_function_high_cycles",
        "short_functions",
    }
)

WSE2: Final = WaferSpec(
    name="wse2",
    rows=994,
    cols=750,
    clock_hz=850_000_000,
    fabric_rows=996,
    fabric_cols=757,
    lanes=WSE2_LANES,
    sources={
        **_SHARED_SOURCES,
        "rows": _BESIDE_MEMCPY,
        "cols": _BESIDE_MEMCPY,
        "fabric_rows": "--fabric-dims 757,996 (width, height); SDK documentation",
        "fabric_cols": "--fabric-dims 757,996 (width, height); SDK documentation",
        "clock_hz": "850 MHz in the SDK's own timing examples; the design maximum is 1.1 GHz",
        "hop_cycles": f"1 cycle a hop; Rocki et al. 2020, {_HPDC}",
        "queue_depth_wavelets": "input queues 4 to 7 hold 2 words; SDK 2.10 DSD page",
        "reserved_colors": "memcpy keeps colors 21 to 23; SDK documentation",
        "lanes": _SIMD_TABLE,
    },
    unsourced=_SHARED_UNSOURCED,
)

WSE1: Final = WaferSpec(
    name="wse1",
    rows=595,
    cols=602,
    clock_hz=900_000_000,
    lanes=WSE2_LANES,
    sources={
        **_SHARED_SOURCES,
        "rows": "595 of the 602 x 595 PEs used by Rocki et al. 2020",
        "cols": "602 of the 602 x 595 PEs used by Rocki et al. 2020",
        "fabric_rows": "assumption: as the program rectangle; no fabric size published",
        "fabric_cols": "assumption: as the program rectangle; no fabric size published",
        "clock_hz": (
            "assumption: 0.86 PFLOP/s is about a third of peak (Rocki et al. 2020), which gives "
            "0.90 GHz at 8 flop a cycle"
        ),
        "hop_cycles": "1 cycle a hop; Rocki et al. 2020",
        "queue_depth_wavelets": "assumption: as on WSE-2",
        "reserved_colors": "assumption: as on WSE-2",
        "lanes": "assumption: as on WSE-2; the presentation slides agree on 4-way float16",
    },
    unsourced=_SHARED_UNSOURCED
    | {
        "fabric_rows",
        "fabric_cols",
        "clock_hz",
        "queue_depth_wavelets",
        "reserved_colors",
        "lanes",
    },
)

_WSE3_SOURCES: Final[Mapping[str, str]] = {
    **_SHARED_SOURCES,
    "rows": "assumption: fabric height less 2, the rule documented for WSE-2",
    "cols": "assumption: fabric width less 7, the rule documented for WSE-2",
    "fabric_rows": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "fabric_cols": "--fabric-dims 762,1172 (width, height); WaferLLM and EPCC build files",
    "clock_hz": "875 MHz in users' timing code (time = cycles / 0.875)",
    "hop_cycles": f"2.000 cycles a hop on silicon, 1 to 128 hops, {_FABRICA}; vendor wording is 1",
    "sram_read_bytes_per_cycle": (
        "assumption: twice the WSE-2, without which the documented 8 lanes cannot be reached"
    ),
    "sram_write_bytes_per_cycle": (
        "assumption: twice the WSE-2, without which the documented 8 lanes cannot be reached"
    ),
    "queue_depth_wavelets": "input queues 2 to 7 hold 4 words; SDK 2.10 DSD page",
    "reserved_colors": "assumption: as on WSE-2; on WSE-3 memcpy is documented to keep queues 0, 1",
    "lanes": _SIMD_TABLE,
}
_WSE3_UNSOURCED = _SHARED_UNSOURCED | {
    "rows",
    "cols",
    "sram_read_bytes_per_cycle",
    "sram_write_bytes_per_cycle",
    "reserved_colors",
}

WSE3: Final = WaferSpec(
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

WSE3_SILICON: Final = replace(
    WSE3,
    name="wse3-silicon",
    cycles_per_wavelet=Fraction(9, 8),
    lanes=silicon_lanes(),
    sources={
        **_WSE3_SOURCES,
        "cycles_per_wavelet": f"1.125 cycles a wavelet on silicon; {_FABRICA}",
        "lanes": (
            "copy 4.82 and 2.44, multiply-add 2.92 and 0.50 elements a cycle (float16, float32) "
            f"on silicon; {_FABRICA}. "
            "Assumption: other classes as documented, at most the copy rate"
        ),
    },
    unsourced=_WSE3_UNSOURCED | {"lanes"},
)

PRESETS: Final[Mapping[str, WaferSpec]] = {
    spec.name: spec for spec in (WSE1, WSE2, WSE3, WSE3_SILICON)
}
"""Preset name -> machine."""
