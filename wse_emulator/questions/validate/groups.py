"""The groups of operations that ``wse validate`` scores together, and the line of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that are scored together.

    Attributes:
        name: as it is printed.
        mean_line, largest_line: the errors that the group's mean and its largest are meant to
            stay within, as fractions; None where there is no line.
    """

    name: str
    mean_line: float | None = None
    largest_line: float | None = None


REDUCE: Final = Group("reduce along a line", 0.05)
VECTOR: Final = Group("vector instruction", 0.10)
PRODUCT: Final = Group("matrix product by column broadcast", 0.15)
RELAY: Final = Group("relay chain", 0.05)
STREAM: Final = Group("stream", 0.05)
ALLREDUCE: Final = Group("all-reduce over the wafer", 0.05)
PRODUCT_WITH_VECTOR: Final = Group("matrix times vector, kernel not named", 0.25)
VENDOR: Final = Group("row all-reduce, norms and elementwise kernels", 0.02, 0.05)
FULLY_CONNECTED: Final = Group("fully connected", 0.04, 0.10)
ATTENTION: Final = Group("attention core", 0.15, 0.25)
NO_TEST: Final = Group("GELU and gradient of the loss")
GEMM: Final = Group("GEMM and SUMMA", 0.06, 0.12)
GEMV: Final = Group("GEMV and pipelined GEMV", 0.07, 0.15)
DECODE_WSE3: Final = Group("decode of a layer, CS-3", 0.05, 0.08)
DECODE_WSE2: Final = Group("decode of a layer, CS-2", 0.15, 0.18)
PREFILL: Final = Group("prefill of a layer", 0.10, 0.18)
FUNCTIONS: Final = Group("functions and scalar loops", 0.06, 0.12)
SMALL_PROGRAMS: Final = Group("small programs on the simulator", 0.15, 0.35)
MACHINE_RATES: Final = Group("rates and memory of a PE", 0.06, 0.12)
