"""Rates of a PE and of a link, and what fits in a PE's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isqrt
from typing import Final

from wse_emulator.activities import Send
from wse_emulator.cost.instructions import Instruction, element_cycles, plain_instruction
from wse_emulator.engines.alone import run_alone
from wse_emulator.kernels.scalar_loops import (
    SCALAR_KERNELS,
    LoopBody,
    iteration_cycles,
    plain_iteration_cycles,
)
from wse_emulator.questions.validate import groups, kernels
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.modelled import Modelled, NotModelledError
from wse_emulator.questions.validate.operation import KernelName, Operation
from wse_emulator.questions.validate.operations.scalar import float_format
from wse_emulator.wafer.formats import BYTES, HALF_FLOATS, lane_dtype
from wse_emulator.wafer.spec import WaferSpec

_RATE_METRICS: Final = ("elements_per_cycle", "cycles_per_element")

_OF_FLOATS: Final[Mapping[str, tuple[str, ...]]] = {
    "copy": ("move",),
    "fill": ("fill",),
    "add": ("add",),
    "mul": ("mul",),
    "fma": ("fma",),
    "axpy": ("fma",),
    "max": ("max",),
    "reduce_to_scalar": ("reduce",),
    "dot": ("mul", "reduce"),
}
"""Vector op of a record -> the instructions that pass over its elements."""


def _vector_rate(record: Measurement, spec: WaferSpec) -> Modelled:
    op = record.one_of("op", *_OF_FLOATS)
    dtype = record.one_of("dtype", "float32", "int16", "uint16", *HALF_FLOATS)
    if record.number("stride", 1) > 1:
        raise NotModelledError("strides other than one are not modelled")
    cycles = sum(_element(op_class, dtype, spec) for op_class in _OF_FLOATS[op])
    return _in_metric(Fraction(cycles), record)


def _element(op_class: str, dtype: str, spec: WaferSpec) -> Fraction:
    lanes, size = lane_dtype(dtype), BYTES.get(dtype, 2)
    if op_class == "fill":
        return element_cycles(Instruction("move", lanes, 0, size, 0), spec)
    if lanes == "int16" and op_class == "add":
        op_class = "integer"
    if lanes == "int16" and op_class not in ("integer", "move", "reduce"):
        raise NotModelledError(f"no vector {op_class} in {dtype}")
    return element_cycles(plain_instruction(op_class, lanes), spec)


def _in_metric(cycles: Fraction, record: Measurement) -> Modelled:
    per_cycle = record.metric.endswith("_per_cycle")
    return Modelled(1 / cycles if per_cycle else cycles)


def _add_loop_rate(record: Measurement, spec: WaferSpec) -> Modelled:
    return Modelled(plain_iteration_cycles(record.number("instructions"), spec))


_ROLLED_DOT: Final = LoopBody(loads=2, flops=2, integer_ops=2)
"""Its two indices depend on the repetition, or the compiler would take the loop away."""


def _loop_rate(record: Measurement, spec: WaferSpec) -> Modelled:
    body = _LOOPS[record.word("kernel")]
    return Modelled(iteration_cycles(body, float_format(record), spec))


_LOOPS: Final[Mapping[str, LoopBody]] = {
    **{name: kernel.loops[0] for name, kernel in SCALAR_KERNELS.items() if len(kernel.loops) == 1},
    "dot": _ROLLED_DOT,
}


def _hop_rate(record: Measurement, spec: WaferSpec) -> Modelled:
    near, far = record.number("hops_from"), record.number("hops_to")
    if near >= far:
        raise NotModelledError(f"no slope from {near} to {far} hops")
    latency = [_arrival(hops, spec) for hops in (near, far)]
    return Modelled(Fraction(latency[1] - latency[0], far - near))


def _arrival(hops: int, spec: WaferSpec) -> int:
    line = kernels.line_region(hops + 1, spec)
    message = Send("message", (0, 0), (line.rows - 1, line.cols - 1), 1, "message")
    return run_alone([message], spec.scaled(line.rows, line.cols)).elapsed_cycles


_MINIMAL_PROGRAM_BYTES: Final = 4_176
"""Code and buffers of the program that the vendor's linker was given with the arrays."""

_LARGEST: Final[Mapping[str, Callable[[int], int]]] = {
    "vector": lambda elements: elements,
    "square_matrix": isqrt,
}
"""Shape -> the largest n of an array with so many elements."""


def _sram_fits(record: Measurement, spec: WaferSpec) -> Modelled:
    largest = _LARGEST[record.one_of("shape", *_LARGEST)]
    dtype = record.one_of("dtype", "uint16", *BYTES)
    room = spec.sram_bytes_per_pe - _MINIMAL_PROGRAM_BYTES
    return Modelled(largest(room // BYTES.get(dtype, 2) // record.number("arrays")))


RATES: Final[Mapping[KernelName, Operation]] = {
    ("vector_rate", ""): Operation(_vector_rate, groups.MACHINE_RATES, metrics=_RATE_METRICS),
    ("scalar_loop_rate", "add_loop"): Operation(
        _add_loop_rate, groups.MACHINE_RATES, metrics=("cycles_per_iteration",)
    ),
    **{
        ("scalar_loop_rate", name): Operation(
            _loop_rate,
            groups.MACHINE_RATES,
            metrics=("cycles_per_element", "cycles_per_iteration"),
        )
        for name in _LOOPS
    },
    ("hop_rate", ""): Operation(_hop_rate, groups.MACHINE_RATES, metrics=("cycles_per_hop",)),
    ("sram_fits", ""): Operation(_sram_fits, groups.MACHINE_RATES, metrics=("largest_n",)),
}
"""Rates of long vectors, loops and links, set-up apart; the largest arrays that a PE holds."""
