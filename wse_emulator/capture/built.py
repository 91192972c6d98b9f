"""What one step consists of, built on meta tensors and captured: optimizer, schedule, clipping.

One tensor of each kind (shape, dtype, parameter group) is built and captured, and stands for all
others. Where tensors are tied together, by a norm over all gradients say, all of them are.
Parameters that are not trained take part as weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizers import DynamicLossScale, Optimizer
from schedulers import LRScheduler
from wse_emulator.capture.kinds import (
    in_model_order,
    repeat_program,
    ties_parameters_together,
)
from wse_emulator.capture.scaling import AS_THEY_ARE, GradientScaling
from wse_emulator.capture.step import Scheduler, capture_step
from wse_emulator.errors import ConfigError, InputError
from wse_emulator.inputs.optimizer import SchedulersTogether, build_optimizer, parameter_groups
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.program import Parameter, StepProgram
from wse_emulator.request import OptimizerChoice, Request
from wse_emulator.wafer.presets import WSE2


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
    """

    request: Request
    model: ModelShapes
    parameters: tuple[Parameter, ...]
    meta: MetaModel
    optimizer: Optimizer | None
    schedulers: tuple[LRScheduler, ...]
    scaling: GradientScaling
    whole: bool

    @property
    def optimizer_name(self) -> str:
        """Class name of the optimizer."""
        if self.optimizer is None:
            return self.request.optimizer.name
        return type(self.optimizer).__name__


def build(request: Request, model: ModelShapes, *, whole: bool = False) -> Built:
    """Build the optimizer and the schedulers of a request on meta tensors.

    Args:
        request: names optimizer, schedule, clipping and loss scaling.
        model: the shapes of its model.
        whole: step all trained tensors, also where one of each kind would do.

    Raises:
        InputError: a name or number that cannot be used.
    """
    scaling = _scaling(request)
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
    """
    if built.optimizer is None:
        untrained = StepProgram(built.optimizer_name, None, parameters=(), values=(), ops=())
        return repeat_program(untrained, built.parameters)
    pattern = capture_step(
        built.optimizer, _together(built.schedulers), model=built.meta, scaling=built.scaling
    )
    if built.whole:
        return in_model_order(pattern, built.parameters)
    if ties_parameters_together(pattern):
        return capture(build(built.request, built.model, whole=True))
    return repeat_program(pattern, built.parameters)


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
