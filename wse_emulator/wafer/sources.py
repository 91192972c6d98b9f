"""Sources of the figures that all presets share, and which of these are assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HPDC = "Luczynski et al., HPDC 2024, arXiv:2404.15888"
FABRICA = "FABRICA, arXiv:2608.25124 (third-party preprint)"
KERNELS = (
    "luozoupi/FABRICA-CUDA2CSL-Optmization-Benchmark-and-Agentic-Framework@4b34f02, kernels and "
    "performance model"
)
MIMD = "lingzhi227/MIMD_dataflow@d0011d3"
COMPILED = "lingzhi227/csl-llm-sdk"
REPORTS = "augustuszzq/Regular-DABench-LLM@5f86bb6"
CSL = "CSL language reference, appendix (sdk.cerebras.net)"

SIMD_TABLE = (
    f"SIMD table of the {CSL}; float32 multiply and multiply-add are not in it: 1; a vector into "
    f"one word 2 cycles an element, simulator, {FABRICA}"
)

SHARED_SOURCES: Final[Mapping[str, str]] = {
    "sram_bytes_per_pe": f"48 KiB; {CSL}; confirmed at the linker by {FABRICA}",
    "reserved_bytes_per_pe": (
        "assumption: 5.8 KB of code in realistic kernels, 4,176 B for a minimal one "
        f"({FABRICA}), rounded up to 8 KiB for stack and communication buffers"
    ),
    "sram_banks": f"8 banks of 6 KB, successive 16-bit words in successive banks; {CSL}",
    "sram_bank_groups": f"two reads need banks that differ modulo 4; {CSL}",
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
        f"(pr0f3ss/SpMM_Cerebras); 1.94 on WSE-3 silicon, {FABRICA}"
    ),
    "turn_cycles": (
        f"0: not mentioned by other sources; about 20 cycles on WSE-3 silicon by {FABRICA}, "
        "which may be a correction of its clock synchronisation"
    ),
    "ramp_cycles": f"2 each way, fitted on a CS-2; {HPDC}",
    "touch_cycles": f"the 1 of the published 2 T_R + 1 a stage; {HPDC}",
    "cycles_per_wavelet": f"one 32-bit wavelet a cycle a link and direction; {HPDC}",
    "wavelet_bytes": "32-bit payload; SDK documentation, Jacquelin et al., SC 2022",
    "launch_cycles": f"15 to 17 cycles of setup on WSE-3 silicon, {FABRICA}; the middle",
    "step_launch_cycles": (
        "2: a float16 add over descriptors in registers takes 2 + 2 n / 8 cycles, simulator; "
        f"{FABRICA}"
    ),
    "wavelet_launch_cycles": (
        "1, derived: of the vendor's fully connected kernels less than one cycle a pass is left "
        f"beside their multiply-adds and streams; compile reports, {REPORTS}"
    ),
    "products": (
        "the vendor's kernels: with their start the compile reports of fully connected layers "
        f"are met, with 16 cycles they take three times as long; {REPORTS}"
    ),
    "star_line_pes": (
        "193: rows of 11 to 128 PEs and rectangles of up to 193 x 7 are summed as by a star in "
        f"the vendor's compile reports, {REPORTS}; a whole WSE-1 is not (Rocki et al., SC 2020)"
    ),
    "scalar_op_cycles": f"dependent floating-point latency 2 cycles, simulator; {FABRICA}",
    "scalar_load_cycles": f"3, derived: fabrica_dot_product_512, simulator; {KERNELS}",
    "scalar_store_cycles": f"3, derived: fabrica_prefix_sum_512, simulator; {KERNELS}",
    "loop_cycles": f"15 an iteration of 8 instructions, simulator; {KERNELS}",
    "loop_jump_cycles": f"10 for the jump back, its count and test, simulator; {KERNELS}",
    "branch_cycles": f"3 where it is not taken (6 where it is), simulator; {KERNELS}",
    "kernels": (
        "each coefficient derived from published records that validation does not score; the "
        "table of kernels names them"
    ),
    "functions": (
        "library: what was measured, and what the vendor's shipped kernels look like; the SDK's "
        "library has no vector form"
    ),
    "library": "each function with its own source in the table of the library",
    "dispatch_cycles": (
        f"7 cycles from dispatch to the first wavelet on the link, simulator, {FABRICA}; "
        "less the touch and the ramp, which are counted by themselves"
    ),
    "activation_cycles": f"3 cycles from arrival to the task, simulator; {FABRICA}",
    "completion_cycles": f"3 cycles from completion to the next task, simulator; {FABRICA}",
    "colors": "24 routable colors; SDK documentation",
    "switch_positions": "up to 4 switch positions a color; SDK documentation",
    "host_bytes_per_second": "12 x 100 GbE = 1.2 Tb/s; product documentation",
    "host_channels": "at most 16 memcpy channels; sdk.cerebras.net, tensor streaming",
}

SHARED_UNSOURCED = frozenset({"reserved_bytes_per_pe"})
