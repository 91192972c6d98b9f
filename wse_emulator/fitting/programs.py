"""The step program of a model under an optimizer, captured from the real one on meta tensors."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from wse_emulator.capture.kinds import repeat_program, ties_parameters_together
from wse_emulator.capture.step import capture_step
from wse_emulator.inputs.optimizer import OptimizerChoice, build_optimizer
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.program import Parameter, StepProgram


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
