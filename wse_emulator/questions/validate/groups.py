"""The groups of operations that ``wse validate`` scores together, and the line of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OperationGroup:
    """Operations that are scored together.

    Attributes:
        name: as it is printed.
        mean_line, largest_line: the errors that the group's mean and its largest are meant to
            stay within, as fractions; None where there is no line.
    """

    name: str
    mean_line: float | None = None
    largest_line: float | None = None


VENDOR: Final = OperationGroup("norms, row sums, softmax, elementwise", 0.02, 0.05)
FULLY_CONNECTED: Final = OperationGroup("fully connected", 0.04, 0.10)
ATTENTION: Final = OperationGroup("attention core", 0.15, 0.25)
GEMM: Final = OperationGroup("GEMM and SUMMA", 0.06, 0.12)
GEMV: Final = OperationGroup("GEMV and pipelined GEMV", 0.07, 0.15)
DECODE_WSE3: Final = OperationGroup("decode of a layer, CS-3", 0.05, 0.08)
DECODE_WSE2: Final = OperationGroup("decode of a layer, CS-2", 0.15, 0.18)
PREFILL: Final = OperationGroup("prefill of a layer", 0.10, 0.18)
FUNCTIONS: Final = OperationGroup("functions and scalar loops", 0.06, 0.12)
SMALL_PROGRAMS: Final = OperationGroup("small programs on the simulator", 0.15, 0.35)
MACHINE_RATES: Final = OperationGroup("rates and memory of a PE", 0.06, 0.12)
NO_TEST: Final = OperationGroup("GELU and gradient of the loss")
REDUCE: Final = OperationGroup("reduce along a line", 0.05)
VECTOR: Final = OperationGroup("vector instruction", 0.10)
PRODUCT: Final = OperationGroup("matrix product by column broadcast", 0.15)
PRODUCT_WITH_VECTOR: Final = OperationGroup("matrix times vector, kernel not named", 0.25)
ALLREDUCE: Final = OperationGroup("all-reduce over the wafer", 0.05)
RELAY: Final = OperationGroup("relay chain", 0.05)
STREAM: Final = OperationGroup("stream", 0.05)

GROUPS: Final = (
    VENDOR,
    FULLY_CONNECTED,
    ATTENTION,
    GEMM,
    GEMV,
    DECODE_WSE3,
    DECODE_WSE2,
    PREFILL,
    FUNCTIONS,
    SMALL_PROGRAMS,
    MACHINE_RATES,
    NO_TEST,
    REDUCE,
    VECTOR,
    PRODUCT,
    PRODUCT_WITH_VECTOR,
    ALLREDUCE,
    RELAY,
    STREAM,
)
"""All groups, in the order in which they are shown."""
