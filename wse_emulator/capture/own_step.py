"""The step of a user's own optimizer, on meta tensors: what it steps, and one step as a program."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import torch

from wse_emulator.capture.calls import asks_for
from wse_emulator.capture.scaling import GradientScaling
from wse_emulator.capture.step import Scheduler, capture_step
from wse_emulator.errors import FactoryError, InputError, StepFailedError, UnknownOpError
from wse_emulator.models.factory import LEAVING
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.program import Parameter, StepProgram


def stepped_parameters(
    model: ModelShapes, optimizer: torch.optim.Optimizer, meta: MetaModel
) -> tuple[Parameter, ...]:
    """All parameters, each in the group in which the optimizer has it.

    Raises:
        FactoryError: the optimizer steps a tensor that is no parameter of the model.
    """
    name_of = {id(parameter): name for name, parameter in meta.named_parameters()}
    group_of: dict[str, int] = {}
    for number, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            if id(parameter) not in name_of:
                raise FactoryError(
                    f"{type(optimizer).__name__} steps a tensor of shape {list(parameter.shape)} "
                    "that is no parameter of the model; build it on the parameters that it is given"
                )
            group_of[name_of[id(parameter)]] = number
    return tuple(
        Parameter(
            index=index,
            name=shape.name,
            shape=shape.shape,
            dtype=shape.dtype,
            group=group_of.get(shape.name, 0),
            has_gradient=shape.requires_grad and shape.name in group_of,
        )
        for index, shape in enumerate(model.parameters)
    )


def capture_own_step(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None,
    *,
    model: MetaModel,
    scaling: GradientScaling,
    steps: int,
) -> StepProgram:
    """The step of a user's own optimizer on the meta device, judged over so many steps.

    What it prints goes to standard error, because standard output is for the answer.

    Raises:
        StaticRuleError: it breaks a rule; the instance's class says which.
        InputError: the step needs a closure.
        FactoryError: the step raises an error of its own.
    """
    name = type(optimizer).__name__
    if any(group.get("fused") for group in optimizer.param_groups):
        raise UnknownOpError(
            f"{name} is built with fused=True, so its step is one kernel, which "
            "the wafer does not have",
            remedy=f"build {name} with fused=False",
        )
    traced = [p for p in model.parameters() if p.requires_grad]
    stepped = {id(p) for group in optimizer.param_groups for p in group["params"]}
    _check_closure(optimizer)
    try:
        # what a step makes without a device belongs with the rest
        with torch.device("meta"), redirect_stdout(sys.stderr):
            return capture_step(
                optimizer,
                scheduler,
                model=model,
                scaling=scaling,
                steps=steps,
                traced=[p for p in traced if id(p) in stepped],
            )
    except StepFailedError as error:
        raise FactoryError(str(error)) from error
    except LEAVING as error:
        raise FactoryError(
            f"{name}.step() leaves the program with {type(error).__name__}"
        ) from error


def _check_closure(optimizer: torch.optim.Optimizer) -> None:
    """Refuse a step that evaluates the model: here is no model to evaluate.

    Raises:
        InputError: the step cannot be called without a closure.
    """
    needed = asks_for(optimizer.step)
    if needed:
        raise InputError(
            f"{type(optimizer).__name__}.step() needs {' and '.join(needed)}, which a step by "
            "itself does not have; wse_emulator.attach times it in a training loop"
        )
