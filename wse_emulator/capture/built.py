"""What one step consists of, built on meta tensors and captured: optimizer, schedule, clipping.

One tensor of each kind (shape, dtype, parameter group) is built and captured, and stands for all
others. Where tensors are tied together, by a norm over all gradients say, all of them are; and with
an optimizer of the user's own, which may treat any two tensors differently. Parameters that are not
trained take part as weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from optimizers import DynamicLossScale
from schedulers import LRScheduler
from wse_emulator.capture.kinds import (
    find_alike,
    in_model_order,
    repeat_program,
    ties_parameters_together,
)
from wse_emulator.capture.own_step import capture_own_step, stepped_parameters
from wse_emulator.capture.scaling import AS_THEY_ARE, GradientScaling
from wse_emulator.capture.step import Scheduler, capture_step
from wse_emulator.capture.twin import twin_of
from wse_emulator.errors import (
    ConfigError,
    InputError,
)
from wse_emulator.inputs.optimizer import (
    SchedulersTogether,
    build_optimizer,
    build_schedulers,
    parameter_groups,
)
from wse_emulator.inputs.own_optimizer import OwnOptimizer, build_own, import_optimizer
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.request import OptimizerChoice, Request
from wse_emulator.wafer.presets import WSE2

JUDGED_STEPS: Final = 16
"""Steps of a user's own optimizer that are held against one another, as ``wse check`` does."""

_MANY: Final = 4096
"""Parameters times steps of an optimizer object that are captured; fewer steps beyond."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Built:
    """A step that can be captured.

    Attributes:
        request, model: what it was built from.
        parameters: all parameters of the model, in its order.
        meta: the tensors that are stepped, on the meta device.
        optimizer: steps them; None if no parameter is trained.
        schedulers: none, one, or one for each tag of parameter groups.
        scaling: what happens to gradients before the step uses them.
        whole: whether all trained tensors are stepped, not one of each kind.
        own: the user's own optimizer, if it is one.
    """

    request: Request
    model: ModelShapes
    parameters: tuple[Parameter, ...]
    meta: MetaModel
    optimizer: torch.optim.Optimizer | None
    schedulers: tuple[LRScheduler, ...]
    scaling: GradientScaling
    whole: bool
    own: OwnOptimizer | None = None

    @property
    def optimizer_name(self) -> str:
        """Class name of the optimizer."""
        if self.optimizer is None:
            return self.request.optimizer.name.rpartition(":")[2]
        return type(self.optimizer).__name__

    @property
    def constant_rate(self) -> float | None:
        """The rate without a schedule; None if there is none, or it is a tensor without a value."""
        rate = self.optimizer.param_groups[0].get("lr") if self.optimizer else None
        if rate is None or (isinstance(rate, torch.Tensor) and rate.is_meta):
            return None
        return float(rate)


def build(
    request: Request,
    model: ModelShapes,
    *,
    whole: bool = False,
    own: OwnOptimizer | None = None,
) -> Built:
    """Build the optimizer and the schedulers of a request on meta tensors.

    Args:
        request: names optimizer, schedule, clipping and loss scaling.
        model: the shapes of its model.
        whole: step all trained tensors, also where one of each kind would do.
        own: what the request's name of a user's own optimizer stands for; found by that name if
            it is not given.

    Raises:
        InputError: a name or number that cannot be used.
    """
    scaling = _scaling(request)
    if request.optimizer.own:
        named = own is not None and own.name == request.optimizer.name
        found = own if own and named else import_optimizer(request.optimizer.name)
        return _build_own(request, model, scaling, found)
    whole = whole or scaling != AS_THEY_ARE  # one norm or check over all gradients
    parameters = _parameters(model, request.optimizer)
    stepped, seen = [], set()
    for parameter, shape in zip(parameters, model.parameters, strict=True):
        kind = (parameter.shape, parameter.dtype, parameter.group)
        if parameter.has_gradient and (whole or kind not in seen):
            seen.add(kind)
            stepped.append(shape)
    meta = MetaModel(stepped)
    optimizer, schedulers = (
        build_optimizer(meta.named_parameters(), request.optimizer, request.schedules)
        if stepped
        else (None, ())
    )
    return Built(
        request=request,
        model=model,
        parameters=parameters,
        meta=meta,
        optimizer=optimizer,
        schedulers=schedulers,
        scaling=scaling,
        whole=whole,
    )


def capture(built: Built) -> StepProgram:
    """The step program of all parameters, in the order of the model.

    Raises:
        StaticRuleError: the optimizer breaks a rule; the instance's class says which.
        FactoryError: the step of a user's own optimizer raises an error.
    """
    if built.optimizer is None:
        untrained = StepProgram(built.optimizer_name, None, parameters=(), values=(), ops=())
        return repeat_program(untrained, built.parameters)
    if built.own is not None:
        return _capture_own(built, built.own)
    pattern = capture_step(
        built.optimizer, _together(built.schedulers), model=built.meta, scaling=built.scaling
    )
    if built.whole:
        return in_model_order(pattern, built.parameters)
    if ties_parameters_together(pattern):
        return capture(build(built.request, built.model, whole=True))
    return repeat_program(pattern, built.parameters)


def _build_own(
    request: Request, model: ModelShapes, scaling: GradientScaling, own: OwnOptimizer
) -> Built:
    """The step of a user's own optimizer, over all trained tensors."""
    choice = request.optimizer
    if own.instance is not None and own.module is not None:
        if choice.lr is not None or choice.options:
            raise InputError(
                f"the {own.title} object has its rate and options already; leave out lr and "
                f"options, or give its class"
            )
        optimizer, meta = twin_of(own.instance, own.module)
    else:
        meta = MetaModel(shape for shape in model.parameters if shape.requires_grad)
        if not list(meta.parameters()):
            return Built(
                request=request,
                model=model,
                parameters=_parameters(model, choice),
                meta=meta,
                optimizer=None,
                schedulers=(),
                scaling=scaling,
                whole=True,
                own=own,
            )
        optimizer = build_own(own, meta, choice, scheduled=bool(request.schedules))
    return Built(
        request=request,
        model=model,
        parameters=stepped_parameters(model, optimizer, meta),
        meta=meta,
        optimizer=optimizer,
        schedulers=build_schedulers(optimizer, choice, request.schedules),
        scaling=scaling,
        whole=True,
        own=own,
    )


def _capture_own(built: Built, own: OwnOptimizer) -> StepProgram:
    """The program of all parameters, two steps of it; then more steps of one of each kind.

    An object is stepped as it is, so that all its steps are of all parameters.
    """
    count = len(built.parameters)
    steps = 2 if own.instance is None else max(2, min(JUDGED_STEPS, _MANY // count))
    program = find_alike(in_model_order(_own_steps(built, steps), built.parameters))
    if not program.ops:
        raise InputError(
            f"{built.optimizer_name}.step() issues no ops on the parameters that it was given, so "
            "there is nothing to judge or to time"
        )
    if own.instance is not None:
        return program
    seen, shapes = set(), []
    for parameter, shape in zip(built.parameters, built.model.parameters, strict=True):
        kind = (parameter.shape, parameter.dtype, parameter.group)
        if parameter.has_gradient and kind not in seen:
            seen.add(kind)
            shapes.append(shape)
    try:
        few = build(built.request, replace(built.model, parameters=tuple(shapes)), own=own)
        _own_steps(few, JUDGED_STEPS)
    except InputError:
        return program  # it needs all of its parameters, whose steps are known
    return program


def _own_steps(built: Built, steps: int) -> StepProgram:
    assert built.optimizer is not None
    return capture_own_step(
        built.optimizer,
        _together(built.schedulers),
        model=built.meta,
        scaling=built.scaling,
        steps=steps,
    )


def step_program(model: ModelShapes, choice: OptimizerChoice) -> StepProgram:
    """The captured step of a model under an optimizer; allocates nothing.

    Raises:
        InputError: a name or number that cannot be used.
        StaticRuleError: the optimizer breaks a static-state rule.
    """
    return capture(build(Request(wafer=WSE2, optimizer=choice), model))


def _together(schedulers: Sequence[LRScheduler]) -> Scheduler | None:
    if len(schedulers) > 1:
        return SchedulersTogether(tuple(schedulers))
    return next(iter(schedulers), None)


def _parameters(model: ModelShapes, choice: OptimizerChoice) -> tuple[Parameter, ...]:
    """All parameters, with the number of the parameter group of each that is trained."""
    trained = [shape.name for shape in model.parameters if shape.requires_grad]
    groups = parameter_groups(choice.groups, trained)
    group_of = {
        trained[position]: number
        for number, members in enumerate(groups.values())
        for position in members
    }
    return tuple(
        Parameter(
            index=index,
            name=shape.name,
            shape=shape.shape,
            dtype=shape.dtype,
            group=group_of.get(shape.name, 0),
            has_gradient=shape.requires_grad,
        )
        for index, shape in enumerate(model.parameters)
    )


def _scaling(request: Request) -> GradientScaling:
    """Clipping and dynamic loss scaling; a static scale is one factor of the loss, no op here."""
    asked = request.loss_scaling
    if asked is None or not asked.dynamic:
        return GradientScaling(request.max_grad_norm)
    known = {
        "initial_scale": asked.initial,
        "max_scale": asked.largest,
        "steps_per_increase": asked.steps_per_increase,
    }
    given = {name: value for name, value in known.items() if value is not None}
    make: Callable[..., DynamicLossScale] = DynamicLossScale
    try:
        scale = make(device="meta", **given)
    except ValueError as error:
        where = request.config
        raise (ConfigError(f"{where}: {error}") if where else InputError(str(error))) from error
    return GradientScaling(request.max_grad_norm, scale)
