"""Capture of one tensor of each kind, repeated under the names of the others.

Tensors of equal shape, dtype and parameter group have equal steps where an optimizer treats its
tensors one by one, as all of :mod:`optimizers` do. The result equals a capture of all tensors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from wse_emulator.capture.step import Scheduler, capture_step
from wse_emulator.inputs.optimizer import OptimizerChoice, build_optimizer
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.program import Parameter, StepProgram, TensorOp, Value, ValueKind

Kind = tuple[tuple[int, ...], str, int]
"""Shape, dtype and parameter group."""


def capture_by_kind(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    *,
    model: torch.nn.Module | None = None,
) -> StepProgram:
    """The program of :func:`~wse_emulator.capture.step.capture_step`, without scaled gradients.

    Only the first tensor of each kind has a gradient while the step is traced. A step that uses
    several parameters in one op is captured whole.

    Args:
        optimizer: one that treats tensors of a kind alike, on meta parameters without gradients.
        scheduler: its learning-rate scheduler, if it has one.
        model: gives the parameters their names.

    Raises:
        StaticRuleError: the first violation, as an instance of the rule's own class.
    """
    firsts: dict[tuple[torch.Size, torch.dtype, int], torch.Tensor] = {}
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            firsts.setdefault((p.shape, p.dtype, number), p)
    pattern = capture_step(optimizer, scheduler, model=model, traced=list(firsts.values()))
    if ties_parameters_together(pattern):
        return capture_step(optimizer, scheduler, model=model)
    stepped = [dataclasses.replace(p, has_gradient=True) for p in pattern.parameters]
    return repeat_program(pattern, stepped)


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
    first_of: dict[Kind | None, int] = {}
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


def _kind(parameter: Parameter) -> Kind:
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
    )


def step_program(model: ModelShapes, choice: OptimizerChoice) -> StepProgram:
    """Capture one step of the optimizer on the model's shapes; allocates nothing.

    One tensor of each shape and dtype is captured, and stands for all others. Parameters that are
    not trained take part as weights alone.

    Raises:
        UnknownNameError: no such optimizer or option.
        InputError: an argument of it is missing or out of range.
        StaticRuleError: the optimizer breaks a static-state rule.
    """
    kinds: dict[tuple[tuple[int, ...], str], TensorShape] = {}
    for shape in model.parameters:
        if shape.requires_grad:
            kinds.setdefault((shape.shape, shape.dtype), shape)
    parameters = [
        Parameter(
            index=index,
            name=shape.name,
            shape=shape.shape,
            dtype=shape.dtype,
            group=0,
            has_gradient=shape.requires_grad,
        )
        for index, shape in enumerate(model.parameters)
    ]
    if not kinds:
        untrained = StepProgram(choice.name, None, parameters=(), values=(), ops=())
        return repeat_program(untrained, parameters)
    pattern = _capture(replace(model, parameters=tuple(kinds.values())), choice)
    if ties_parameters_together(pattern):
        return _capture(model, choice)
    return repeat_program(pattern, parameters)


def sparse_state_names(choice: OptimizerChoice) -> frozenset[str]:
    """Names of the states that shrink with a sparse parameter, as the optimizer says."""
    weight = nn.Parameter(torch.empty(2, 2, device="meta"))
    optimizer, _ = build_optimizer([weight], choice)
    return frozenset(optimizer.state_names_to_sparsify())


def _capture(model: ModelShapes, choice: OptimizerChoice) -> StepProgram:
    module = model.meta_model()
    trained = [p for _, p in module.named_parameters() if p.requires_grad]
    optimizer, scheduler = build_optimizer(trained, choice)
    return capture_step(optimizer, scheduler, model=module)
