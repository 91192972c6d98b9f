"""The step program of a model under an optimizer, captured from the real one on meta tensors.

Tensors of equal shape and dtype have equal steps, so one of each kind is captured and its ops and
values are repeated under the names of the others. The result equals a capture of the whole model.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from wse_emulator.capture.step import capture_step
from wse_emulator.inputs.optimizer_choice import OptimizerChoice, build_optimizer
from wse_emulator.inputs.shapes import ModelShapes, TensorShape
from wse_emulator.program import Parameter, StepProgram, TensorOp, Value, ValueKind

Kind = tuple[tuple[int, ...], str]


def step_program(model: ModelShapes, choice: OptimizerChoice) -> StepProgram:
    """Capture one step of the optimizer on the model's shapes; allocates nothing.

    Parameters that are not trained take part as weights alone.

    Raises:
        UnknownNameError: no such optimizer or option.
        InputError: an argument of it is missing or out of range.
        StaticRuleError: the optimizer breaks a static-state rule.
    """
    kinds: dict[Kind, TensorShape] = {}
    for parameter in model.parameters:
        if parameter.requires_grad:
            kinds.setdefault((parameter.shape, parameter.dtype), parameter)
    if not kinds:
        return _untrained(model, choice.name)
    samples = tuple(kinds.values())
    pattern = _capture(replace(model, parameters=samples), choice)
    if _ties_parameters_together(pattern):
        return _capture(model, choice)
    return _repeat(pattern, model)


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


def _untrained(model: ModelShapes, optimizer: str) -> StepProgram:
    pattern = StepProgram(
        optimizer=optimizer, scheduler=None, parameters=(), values=(), ops=(), schedule_ops=0
    )
    return _repeat(pattern, model)


def _ties_parameters_together(program: StepProgram) -> bool:
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


def _repeat(pattern: StepProgram, model: ModelShapes) -> StepProgram:
    """The pattern's steps for every parameter of the model, in model order."""
    sample_of = {(p.shape, p.dtype): p for p in pattern.parameters}
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
    parameters = []
    for index, shape in enumerate(model.parameters):
        sample = sample_of.get((shape.shape, shape.dtype)) if shape.requires_grad else None
        parameters.append(
            Parameter(
                index=index,
                name=shape.name,
                shape=shape.shape,
                dtype=shape.dtype,
                group=sample.group if sample else 0,
                has_gradient=sample is not None,
            )
        )
        if sample is None:
            kind = ValueKind.PARAMETER
            values.append(Value(len(values), shape.name, kind, index, shape.shape, shape.dtype))
            continue
        places = dict(shared)
        for value in owned[sample.index]:
            name = value.name
            if name.startswith(sample.name):
                name = shape.name + name.removeprefix(sample.name)
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
    )


def _add(values: list[Value], value: Value, name: str, parameter: int | None) -> int:
    """Append a value under another name; its new index."""
    index = len(values)
    values.append(Value(index, name, value.kind, parameter, value.shape, value.dtype))
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
        scalars=op.scalars,
        read_shapes=op.read_shapes,
    )
