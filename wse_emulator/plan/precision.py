"""A captured step in the dtypes that are asked for.

A step is captured in the dtypes of the model's parameters. What is stored (weights, gradients,
optimizer state) takes the dtypes of a :class:`~wse_emulator.request.Precision`, and what is
computed from it follows by the rule of torch: the widest of the operands that have dimensions, else
of those that have none; two 16-bit formats meet in float32. An op that converts on purpose, such as
a sum in float32, keeps its own dtype.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from wse_emulator.program import StepProgram, TensorOp, Value, ValueKind
from wse_emulator.request import Precision
from wse_emulator.wafer.formats import BYTES, HALF_FLOATS, is_float

_STORED: Final = (ValueKind.PARAMETER, ValueKind.GRADIENT, ValueKind.STATE)


def in_precision(program: StepProgram, precision: Precision) -> StepProgram:
    """The step with its storages in the dtypes of ``precision``; 0-dim state keeps its own."""
    wanted = {
        ValueKind.PARAMETER: precision.parameter,
        ValueKind.GRADIENT: precision.gradient,
        ValueKind.STATE: precision.state,
    }
    if all(dtype is None for dtype in wanted.values()):
        return program
    known = {
        value.index: dtype
        for value in program.values
        if (dtype := _stored(value, wanted)) is not None and dtype != value.dtype
    }
    fixed = {value.index for value in program.values if value.kind in _STORED}
    ops = tuple(_computed(op, program, known, fixed) for op in program.ops)
    parameters = tuple(
        dataclasses.replace(p, dtype=precision.parameter)
        if precision.parameter is not None and is_float(p.dtype)
        else p
        for p in program.parameters
    )
    values = tuple(
        dataclasses.replace(v, dtype=known[v.index]) if v.index in known else v
        for v in program.values
    )
    return dataclasses.replace(program, parameters=parameters, values=values, ops=ops)


def _stored(value: Value, wanted: dict[ValueKind, str | None]) -> str | None:
    if value.kind not in wanted or not is_float(value.dtype):
        return None
    if value.kind is ValueKind.STATE and value.shape == ():
        return None
    return wanted[value.kind]


def _computed(
    op: TensorOp, program: StepProgram, known: dict[int, str], fixed: set[int]
) -> TensorOp:
    """The op in its new dtype; ``known`` learns the dtypes of the temporaries that it writes."""
    if not any(index in known for index in (*op.reads, *op.writes)) or not is_float(op.dtype):
        return op
    written = [index for index in op.writes if index in fixed]
    if written:
        dtype = known.get(written[0], program.values[written[0]].dtype)
    else:
        operands = [
            (program.values[index].dtype, known.get(index), shape)
            for index, shape in zip(op.reads, op.read_shapes, strict=True)
            if is_float(program.values[index].dtype)
        ]
        before = _promoted((dtype, shape) for dtype, _, shape in operands)
        if before != op.dtype:
            return op
        dtype = _promoted((new or dtype, shape) for dtype, new, shape in operands) or op.dtype
    for index in op.writes:
        if index not in fixed and is_float(program.values[index].dtype):
            known[index] = dtype
    return op if dtype == op.dtype else dataclasses.replace(op, dtype=dtype)


def _promoted(operands: Iterable[tuple[str, tuple[int, ...]]]) -> str | None:
    """The dtype of a result of float operands (dtype, shape); None without any."""
    given = list(operands)
    ranked = [dtype for dtype, shape in given if shape] or [dtype for dtype, _ in given]
    if not ranked:
        return None
    widest = max(ranked, key=lambda dtype: BYTES[dtype])
    halves = {dtype for dtype in ranked if dtype in HALF_FLOATS}
    return "float32" if widest in HALF_FLOATS and len(halves) > 1 else widest
