"""What a call of the SDK's math library costs, by function and number format.

The machine has no instruction for a division, a root or an exponential. Kernels call the library's
function once for each element, and the library has no vector form. Each cost has an interval, and
one of three classes says what it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer.sources import COMPILED, KERNELS, MIMD

Evidence = Literal["evidence", "counted", "ours"]
"""What a cost rests on; see :data:`EVIDENCE`."""

EVIDENCE: Final[Mapping[Evidence, str]] = {
    "evidence": "a measured record, or a figure in a document",
    "counted": "operations counted in the vendor's source, at what one was measured to take",
    "ours": "a sequence of documented instructions that nobody timed",
}
"""Class of a cost -> what it means."""

FUNCTIONS: Final[Mapping[str, str]] = {
    "sqrt": "square root",
    "division": "division",
    "rsqrt": "reciprocal square root",
    "exp": "exponential",
    "log": "logarithm",
    "cos": "cosine",
    "tanh": "hyperbolic tangent",
    "erf": "error function",
    "gelu": "GELU",
}
"""Function of the library -> its name in sentences; a sine costs what a cosine does."""

LIBRARY_DTYPES: Final = ("float16", "float32")
"""Formats of the library: any 16-bit float, and float32."""

FunctionForm = Literal["library", "vector"]
"""How functions of vectors are computed: a call of the library for each element, or a sequence of
vector instructions written by hand."""

FUNCTION_FORMS: Final[tuple[FunctionForm, ...]] = get_args(FunctionForm)


@dataclass(frozen=True, slots=True)
class LibraryCall:
    """One call of a function of the library.

    Attributes:
        function: a key of ``FUNCTIONS``.
        dtype: a member of ``LIBRARY_DTYPES``.
        cycles: of a call, without the loop around it.
        low_cycles, high_cycles: between which two figures the evidence leaves it.
        evidence: what it rests on.
        source: where it comes from, and how it follows from that.
    """

    function: str
    dtype: str
    cycles: int
    low_cycles: int
    high_cycles: int
    evidence: Evidence
    source: str

    @property
    def field(self) -> str:
        """How a setting names it: ``library.exp.float32``."""
        return f"library.{self.function}.{self.dtype}"


_FLOP = (
    "floating-point operations of the SDK's math.csl (2.10.1) on its common path, at the 5.0 to "
    "6.6 cycles that an operation of float32 exponential, square root and division takes"
)
_HALF = (
    "float32's count, times what float16 takes of float32 in exponential and division together, "
    "104/187"
)

SDK_LIBRARY: Final = (
    LibraryCall(
        "division",
        "float32",
        105,
        95,
        110,
        "evidence",
        "fabrica_sigmoid_512: 210.05 cycles an element, less an exponential and an iteration of "
        f"23.5; simulator, {KERNELS}",
    ),
    LibraryCall(
        "sqrt",
        "float32",
        85,
        60,
        110,
        "evidence",
        "fabrica_l2_norm_512: 18,112 cycles, less 512 iterations of 17 and 512 of 18, a division "
        f"and a sum; one call, hence the interval; simulator, {KERNELS}",
    ),
    LibraryCall("rsqrt", "float32", 93, 80, 105, "counted", f"16 {_FLOP}"),
    LibraryCall(
        "exp",
        "float32",
        82,
        81,
        84,
        "evidence",
        "fabrica_cross_entropy_256: 29,283 cycles, less a logarithm and 256 iterations of 15 and "
        f"of 17; simulator, {KERNELS}",
    ),
    LibraryCall("log", "float32", 87, 75, 98, "counted", f"15 {_FLOP}"),
    LibraryCall("cos", "float32", 104, 90, 118, "counted", f"18 {_FLOP}"),
    LibraryCall("tanh", "float32", 87, 75, 98, "counted", f"15 {_FLOP}"),
    LibraryCall(
        "erf",
        "float32",
        219,
        208,
        226,
        "ours",
        "not in the library: an exponential, a division and 16 operations of 2 cycles by "
        "Abramowitz and Stegun 7.1.26",
    ),
    LibraryCall(
        "gelu",
        "float32",
        201,
        193,
        207,
        "evidence",
        "fabrica_gelu_512: 217.06 cycles an element, less the jump, a load and a store; simulator, "
        f"{KERNELS}",
    ),
    LibraryCall(
        "division",
        "float16",
        55,
        52,
        57,
        "evidence",
        "mimd_silu_f16_64x256: 109.5 cycles an element, less an exponential and three operations; "
        f"simulator, {MIMD}",
    ),
    LibraryCall(
        "sqrt",
        "float16",
        55,
        48,
        57,
        "counted",
        "as the division: 37 instructions of the reciprocal square root, a product and the test "
        f"of 0 are about its 42; compiled code, {COMPILED}",
    ),
    LibraryCall(
        "rsqrt",
        "float16",
        48,
        46,
        50,
        "counted",
        f"37 instructions, where the division's 42 take 55 cycles; compiled code, {COMPILED}",
    ),
    LibraryCall(
        "exp",
        "float16",
        49,
        49,
        51,
        "evidence",
        f"sdk_exp_f16_map: 25,105 cycles for 512 elements, simulator, {MIMD}; 50.3 in the vendor's "
        "loss kernel",
    ),
    LibraryCall("log", "float16", 48, 42, 55, "counted", _HALF),
    LibraryCall("cos", "float16", 58, 50, 66, "counted", _HALF),
    LibraryCall("tanh", "float16", 48, 42, 55, "counted", _HALF),
    LibraryCall(
        "erf",
        "float16",
        128,
        125,
        132,
        "ours",
        "not in the library: an exponential, a division and 12 operations of 2 cycles by "
        "Abramowitz and Stegun 7.1.25",
    ),
    LibraryCall(
        "gelu",
        "float16",
        118,
        115,
        122,
        "counted",
        "exponential, division, and what float32's GELU takes beside them",
    ),
)
"""The library of SDK 2.10, measured on the simulator of a WSE-3; every preset has it."""


MOST_CALL_CYCLES: Final = 10**6
"""Of one call; sums of cycles then stay within 64 bits."""


def check_library(library: tuple[LibraryCall, ...]) -> None:
    """See that costs of a library are possible.

    Raises:
        WaferSpecError: one that is not; the message names its field.
    """
    seen = set()
    for call in library:
        if call.function not in FUNCTIONS:
            raise WaferSpecError(f"{call.field}: no such function; one of {', '.join(FUNCTIONS)}")
        if call.dtype not in LIBRARY_DTYPES:
            raise WaferSpecError(
                f"{call.field}: no such format; one of {', '.join(LIBRARY_DTYPES)}"
            )
        if call.evidence not in EVIDENCE:
            raise WaferSpecError(
                f"{call.field}: no such class {call.evidence!r}; one of {', '.join(EVIDENCE)}"
            )
        if (call.function, call.dtype) in seen:
            raise WaferSpecError(f"{call.field} is given twice; keep one")
        seen.add((call.function, call.dtype))
        for cycles in (call.low_cycles, call.cycles, call.high_cycles):
            if isinstance(cycles, bool) or not isinstance(cycles, int):
                raise WaferSpecError(f"{call.field} has to be a whole number, got {cycles!r}")
            if not 0 <= cycles <= MOST_CALL_CYCLES:
                raise WaferSpecError(
                    f"{call.field} = {cycles} is out of range; give 0 to {MOST_CALL_CYCLES:,}"
                )
        if not call.low_cycles <= call.cycles <= call.high_cycles:
            raise WaferSpecError(
                f"{call.field} = {call.cycles} lies outside its range, {call.low_cycles} to "
                f"{call.high_cycles}"
            )
