"""One captured tensor of each kind, repeated under the names of the others.

Tensors of equal shape, dtype and parameter group have equal steps where an optimizer treats its
tensors one by one, as all of :mod:`optimizers` do. The result equals a capture of all tensors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from wse_emulator.program import Parameter, StepProgram, TensorOp, Value, ValueKind

TensorKind = tuple[tuple[int, ...], str, int]
"""Shape, dtype and parameter group."""


def ties_parameters_together(program: StepProgram) -> bool:
    """Whether an op uses values of several parameters, such as a norm over all gradients."""
    for op in program.ops:
        owners = {
            program.values[index].parameter
            for index in (*op.reads, *op.writes)
            if program.values[index].parameter is not None
        }
        if len(owners - {op.owner}) > 0:
            return True
    return False


def repeat_program(pattern: StepProgram, parameters: Sequence[Parameter]) -> StepProgram:
    """The pattern's steps for every parameter of a model, in its order.

    Args:
        pattern: has a parameter with a gradient of every kind among ``parameters``.
        parameters: those without a gradient take part as weights alone.
    """
    sample_of = {_kind(p): p for p in pattern.parameters if p.has_gradient}
    owned: dict[int | None, list[Value]] = {}
    for value in pattern.values:
        owned.setdefault(value.parameter, []).append(value)
    values: list[Value] = []
    shared = {value.index: _add(values, value, value.name, None) for value in owned.get(None, [])}
    ops: list[TensorOp] = []
    first_owned = min((op.index for op in pattern.ops if op.owner is not None), default=0)
    for op in pattern.ops_of(None):
        if op.index < first_owned:
            ops.append(_moved(op, len(ops), shared, None))
    alike: list[int] = []
    first_of: dict[TensorKind | None, int] = {}
    for index, parameter in enumerate(parameters):
        kind = _kind(parameter) if parameter.has_gradient else None
        alike.append(first_of.setdefault(kind, index))
        if kind is None:
            _add_weight(values, parameter)
            continue
        sample = sample_of[kind]
        places = dict(shared)
        for value in owned[sample.index]:
            name = value.name
            if name.startswith(sample.name):
                name = parameter.name + name.removeprefix(sample.name)
            places[value.index] = _add(values, value, name, index)
        for op in pattern.ops_of(sample.index):
            ops.append(_moved(op, len(ops), places, index))
    for op in pattern.ops_of(None):
        if op.index > first_owned:
            ops.append(_moved(op, len(ops), shared, None))
    return StepProgram(
        optimizer=pattern.optimizer,
        scheduler=pattern.scheduler,
        parameters=tuple(parameters),
        values=tuple(values),
        ops=tuple(ops),
        schedule_ops=pattern.schedule_ops,
        alike=tuple(alike),
    )


def in_model_order(program: StepProgram, parameters: Sequence[Parameter]) -> StepProgram:
    """A program captured whole, over all parameters of a model in its order.

    Args:
        program: its parameters are those of ``parameters`` that are trained, in any order.
        parameters: those without a gradient take part as weights alone.
    """
    place = {p.name: p.index for p in parameters}
    index_of = {p.index: place[p.name] for p in program.parameters}
    known = {p.name for p in program.parameters}
    if list(index_of.values()) == list(range(len(parameters))):
        return program
    values = [
        value
        if value.parameter is None
        else dataclasses.replace(value, parameter=index_of[value.parameter])
        for value in program.values
    ]
    for parameter in parameters:
        if parameter.name not in known:
            _add_weight(values, parameter)
    ops = tuple(
        op if op.owner is None else dataclasses.replace(op, owner=index_of[op.owner])
        for op in program.ops
    )
    return dataclasses.replace(program, parameters=tuple(parameters), values=tuple(values), ops=ops)


def find_alike(program: StepProgram) -> StepProgram:
    """The same program, which says which parameters have steps that differ in names alone."""
    shared_before = [0]
    for op in program.ops:
        shared_before.append(shared_before[-1] + (op.owner is None))
    first_of: dict[object, int] = {}
    alike = tuple(
        first_of.setdefault(_pattern(program, parameter, shared_before), parameter.index)
        for parameter in program.parameters
    )
    return dataclasses.replace(program, alike=alike)


def _pattern(
    program: StepProgram, parameter: Parameter, shared_before: Sequence[int]
) -> tuple[object, ...]:
    """A parameter's step without names: equal patterns are equal steps.

    Its values are numbered as they appear; those of no parameter keep their index.
    """
    numbers: dict[int, int] = {}
    seen: list[object] = [parameter.shape, parameter.dtype, parameter.has_gradient]

    def numbered(indices: Sequence[int]) -> tuple[int, ...]:
        found = []
        for index in indices:
            value = program.values[index]
            if value.parameter is None:
                found.append(-1 - index)
                continue
            if index not in numbers:
                numbers[index] = len(numbers)
                mine = value.parameter == parameter.index
                own = parameter.name if mine else ""
                name = "" if value.kind is ValueKind.TEMPORARY else value.name.removeprefix(own)
                seen.append((value.kind, mine or value.parameter, name, value.shape, value.dtype))
                seen.append(value.strides)
            found.append(numbers[index])
        return tuple(found)

    for op in program.ops_of(parameter.index):
        seen.append((op.name, numbered(op.reads), numbered(op.writes), op.shape, op.dtype))
        seen.append((op.arguments, op.read_shapes, op.read_strides, op.read_offsets))
        seen.append(shared_before[op.index])
    return tuple(seen)


def _kind(parameter: Parameter) -> TensorKind:
    return parameter.shape, parameter.dtype, parameter.group


def _add_weight(values: list[Value], parameter: Parameter) -> None:
    """Append the value of a parameter that is not trained."""
    kind = ValueKind.PARAMETER
    shape, dtype = parameter.shape, parameter.dtype
    values.append(Value(len(values), parameter.name, kind, parameter.index, shape, dtype))


def _add(values: list[Value], value: Value, name: str, parameter: int | None) -> int:
    """Append a value under another name; its new index."""
    index = len(values)
    values.append(
        Value(index, name, value.kind, parameter, value.shape, value.dtype, value.strides)
    )
    return index


def _moved(op: TensorOp, index: int, places: dict[int, int], owner: int | None) -> TensorOp:
    # spelled out: dataclasses.replace is four times slower, and there are 100,000 of these
    return TensorOp(
        index=index,
        name=op.name,
        owner=owner,
        reads=tuple([places[value] for value in op.reads]),
        writes=tuple([places[value] for value in op.writes]),
        shape=op.shape,
        dtype=op.dtype,
        arguments=op.arguments,
        read_shapes=op.read_shapes,
        read_strides=op.read_strides,
        read_offsets=op.read_offsets,
        read_dtypes=op.read_dtypes,
        where=op.where,
    )
