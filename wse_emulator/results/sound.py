"""Whether a result that was read from a file hangs together.

A file that was changed by hand may have every field, each of its type, and still describe nothing
that can be drawn or compared: a clock of 0, a region outside of the wafer, series of two lengths.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from wse_emulator.results.run import MEMORY_ALONE, RunArrays, RunResult
from wse_emulator.wafer.arrays import FloatArray, IntArray
from wse_emulator.wafer.library import FUNCTION_FORMS
from wse_emulator.wafer.region import PLANES

MOST_COUNT: Final = 2**63 - 1
"""Of anything: what the arrays of a result hold."""

MOST_CYCLES: Final = 2**53
"""Of a step: what a picture's axis tells apart."""

_MAY_BE_NEGATIVE: Final = frozenset(
    {"start_cycle", "end_cycle", "tensor", "learning_rate", "saves_bytes", "saves_total_bytes"}
)
_MAY_BE_INFINITE: Final = frozenset({"learning_rate", "seconds_interval"})
_SETTINGS: Final = frozenset({"arrays", "request", "optimizer"})

Pe = tuple[int, int]
Rectangle = tuple[int, int, int, int]


def faults(result: RunResult) -> Iterator[str]:
    """What does not hang together in a result, in words; nothing for one that does."""
    yield from _numbers(result, "")
    yield from _machine(result)
    yield from _places(result)
    yield from _times(result)
    yield from _forms(result)
    yield from _arrays(result)


def _numbers(value: object, name: str) -> Iterator[str]:
    """Counts that are negative or beyond counting, and numbers that are none."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.name not in _SETTINGS:
                yield from _numbers(getattr(value, field.name), field.name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{name}.{key}")
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers(item, name)
    elif isinstance(value, int) and not -MOST_COUNT <= value <= MOST_COUNT:
        yield f"{name} is beyond counting"
    elif isinstance(value, int | float):
        endless = not math.isfinite(value) and name not in _MAY_BE_INFINITE
        if endless or (value < 0 and name not in _MAY_BE_NEGATIVE):
            yield f"{name} is {value}"


def _machine(result: RunResult) -> Iterator[str]:
    wafer, memory = result.wafer, result.memory
    for name in ("rows", "cols", "clock_hz", "sram_bytes_per_pe"):
        if getattr(wafer, name) < 1:
            yield f"the wafer's {name} is {getattr(wafer, name)}"
    if wafer.pes != wafer.rows * wafer.cols:
        yield f"{wafer.pes} PEs are not {wafer.rows} rows of {wafer.cols}"
    if memory.capacity_bytes < 1:
        yield f"capacity_bytes is {memory.capacity_bytes}"
    if not result.layers:
        yield "it has no layers"
    if result.engine == MEMORY_ALONE:
        return
    if not result.tensors:
        yield "it has no tensors"
    if result.model.tensors != len(result.tensors):
        yield f"it has {len(result.tensors)} tensors of the model's {result.model.tensors}"
    if result.fits and not result.steps:
        yield "it fits, and no step was timed"


def _places(result: RunResult) -> Iterator[str]:
    rows, cols = result.wafer.rows, result.wafer.cols
    pes: list[Pe] = [result.controller, result.memory.worst_pe]
    pes += [message.root for message in result.messages]
    pes += [sample.pe for sample in result.samples] + [link.pe for link in result.links]
    if any(not (0 <= row < rows and 0 <= col < cols) for row, col in pes):
        yield "a PE lies outside of the wafer"
    regions: list[Rectangle] = [region for _, region in result.layers]
    regions += [tensor.region for tensor in result.tensors]
    regions += [message.region for message in result.messages]
    if any(
        min(row, col) < 0 or min(high, wide) < 1 or row + high > rows or col + wide > cols
        for row, col, high, wide in regions
    ):
        yield "a region lies outside of the wafer"
    if any(not -1 <= message.tensor < len(result.tensors) for message in result.messages):
        yield "a message serves a tensor that there is not"
    if any(link.direction not in PLANES for link in result.links):
        yield f"a link has none of the directions {', '.join(PLANES)}"


def _times(result: RunResult) -> Iterator[str]:
    if any(step.cycles > MOST_CYCLES for step in result.steps):
        yield "a step takes more cycles than can be told apart"
    spans = [(tensor.start_cycle, tensor.end_cycle) for tensor in result.tensors]
    spans += [(part.start_cycle, part.end_cycle) for part in result.critical_path]
    spans += [(message.start_cycle, message.end_cycle) for message in result.messages]
    for sample in result.samples:
        spans += [(part.start_cycle, part.end_cycle) for part in sample.parts]
    for link in result.links:
        spans += [(booking.start_cycle, booking.end_cycle) for booking in link.parts]
    if any(not -1 <= start <= end <= MOST_CYCLES for start, end in spans):
        yield "something ends before it begins, or after all cycles that can be told apart"


def _forms(result: RunResult) -> Iterator[str]:
    """What does not hang together in the two forms of a step's functions."""
    forms = result.forms
    if forms is None:
        return
    if not forms.functions:
        yield "it has two forms of no function"
    if forms.form not in FUNCTION_FORMS:
        yield f"its functions are in the form {forms.form!r:.40}"
    elif not result.steps:
        yield "it has two forms of a step that was not timed"
    elif getattr(forms, f"{forms.form}_cycles") != result.steps[-1].cycles:
        yield f"its step is not the one in {forms.form} form"


def _arrays(result: RunResult) -> Iterator[str]:
    arrays, ops = result.arrays, len(result.op_names)
    shape = result.wafer.rows, result.wafer.cols
    yield from _lengths(arrays, "pe_busy", shape, ("pe_busy", "sram_peak"))
    yield from _lengths(arrays, "links", (len(PLANES), *shape), ("link_busy",))
    yield from _lengths(arrays, "ops", (ops,), ("op_start", "op_end", "op_tensor"))
    if arrays.op_cycles.size:
        yield from _lengths(arrays, "ops", (ops,), ("op_cycles",))
    bins = arrays.busy_pes.shape
    yield from _lengths(arrays, "bins", bins, ("busy_pes", "busy_links", "temporary_bytes"))
    points = arrays.rate_step.shape
    yield from _lengths(arrays, "points", points, ("rate_step", "rate_value"))
    if len(bins) != 1 or len(points) != 1:
        yield "a series is no line of numbers"
    if not 1 <= arrays.bin_cycles <= MOST_CYCLES:
        yield f"bin_cycles is {arrays.bin_cycles}"
    for name in ("pe_busy", "sram_peak", "link_busy", "busy_pes", "busy_links", "temporary_bytes"):
        values: IntArray | FloatArray = getattr(arrays, name)
        if values.size and not (np.isfinite(values).all() and values.min() >= 0):
            yield f"{name} holds what is no count"
    held = arrays.op_tensor
    if held.size and not -1 <= int(held.min()) <= int(held.max()) < len(result.tensors):
        yield "an op works on a tensor that there is not"


def _lengths(
    arrays: RunArrays, what: str, shape: Sequence[int], names: Sequence[str]
) -> Iterator[str]:
    for name in names:
        found = getattr(arrays, name).shape
        if found != tuple(shape):
            yield f"{name} is of shape {found}, where there are {tuple(shape)} {what}"
