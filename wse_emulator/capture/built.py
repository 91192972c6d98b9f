"""What one step consists of, built on meta tensors: model, optimizer, schedulers, clipping."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

import schedulers
from optimizers import DynamicLossScale, Optimizer
from wse_emulator.capture.kinds import capture_by_kind
from wse_emulator.capture.scaling import AS_THEY_ARE, GradientScaling
from wse_emulator.capture.step import capture_step
from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.errors import ConfigError
from wse_emulator.inputs.optimizer import (
    DEFAULT_OPTIMIZER,
    OptimizerChoice,
    SchedulersTogether,
    build_configured_optimizer,
    build_optimizer,
)
from wse_emulator.inputs.schedule_text import LearningRate, parse_schedule
from wse_emulator.models.load import load_model
from wse_emulator.models.shapes import Model, ModelShapes, shapes_of_module
from wse_emulator.ops import check_costs
from wse_emulator.program import StepProgram
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Step:
    """What one step consists of: optimizer, its schedulers, clipping; and what was left aside."""

    optimizer: Optimizer
    schedulers: tuple[schedulers.LRScheduler, ...]
    scaling: GradientScaling
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreparedStep:
    """A step that can be captured: the model's name, its meta parameters, and what steps them."""

    model: str
    meta: torch.nn.Module
    step: Step


def prepare_step(
    model: Model,
    *,
    optimizer: str | None = None,
    config: str | Path | None = None,
    lr: float | None = None,
    lr_schedule: str | LearningRate | None = None,
    options: Mapping[str, object] | None = None,
    max_grad_norm: float | None = None,
    loss_scaling: bool = False,
) -> PreparedStep:
    """Build what one step consists of on meta tensors; the arguments are those of :func:`run`.

    Raises:
        InputError: a name, number or file that cannot be used.
    """
    shapes = _shapes(model)
    meta = shapes.meta_model()
    choice = OptimizerChoice(
        name=optimizer or DEFAULT_OPTIMIZER,
        lr=lr,
        options=options or {},
        learning_rate=parse_schedule(lr_schedule) if isinstance(lr_schedule, str) else lr_schedule,
    )
    if config is None:
        built, scheduler = build_optimizer(meta.parameters(), choice)
        scaling = GradientScaling(
            max_grad_norm, DynamicLossScale(device="meta") if loss_scaling else None
        )
        step = Step(built, (scheduler,) if scheduler else (), scaling, ())
    else:
        read = read_run_config(Path(config))
        scaling = _config_scaling(read, max_grad_norm, loss_scaling=loss_scaling)
        step = _from_config(read, meta, choice, scaling, named=optimizer is not None)
    return PreparedStep(shapes.name, meta, step)


def capture_prepared(prepared: PreparedStep, spec: WaferSpec) -> StepProgram:
    """Capture a prepared step, and see that the machine can carry out each of its ops.

    Raises:
        StaticRuleError: the optimizer breaks a rule; the instance's class says which.
    """
    step = prepared.step
    together = SchedulersTogether(step.schedulers)
    scheduler = together if len(step.schedulers) > 1 else next(iter(step.schedulers), None)
    if step.scaling == AS_THEY_ARE:
        program = capture_by_kind(step.optimizer, scheduler, model=prepared.meta)
    else:  # one norm or check over all gradients
        program = capture_step(step.optimizer, scheduler, model=prepared.meta, scaling=step.scaling)
    check_costs(program, spec)
    return program


def _shapes(model: Model) -> ModelShapes:
    if isinstance(model, str):
        return load_model(model)
    if isinstance(model, torch.nn.Module):
        name = type(model).__name__
        return shapes_of_module(model, name, f"the module {name}")
    return model


def _config_scaling(
    config: RunConfig, max_norm: float | None, *, loss_scaling: bool
) -> GradientScaling:
    """Clipping and loss scaling of a run config; what is given beside it goes first."""
    found = config.loss_scaling
    scale = None
    if loss_scaling or (found is not None and found.dynamic):
        known = {
            "initial_scale": None if found is None else found.initial,
            "max_scale": None if found is None else found.largest,
            "steps_per_increase": None if found is None else found.steps_per_increase,
        }
        given = {name: value for name, value in known.items() if value is not None}
        build: Callable[..., DynamicLossScale] = DynamicLossScale
        try:
            scale = build(device="meta", **given)
        except ValueError as error:
            raise ConfigError(f"{config.source}: {error}") from error
    return GradientScaling(config.max_gradient_norm if max_norm is None else max_norm, scale)


def _from_config(
    config: RunConfig,
    meta: torch.nn.Module,
    choice: OptimizerChoice,
    scaling: GradientScaling,
    *,
    named: bool,
) -> Step:
    """The step of a run config; an optimizer, rate or schedule given beside it goes first."""
    unused = [*config.unused]
    if config.max_gradient_value is not None:
        unused.append("max_gradient_value")
    if config.loss_scaling is not None and not config.loss_scaling.dynamic:
        unused.append("static loss scale")
    replaced = named or choice.lr is not None or choice.learning_rate is not None or choice.options
    if not replaced:
        made = build_configured_optimizer(config, meta.named_parameters())
        return Step(made.optimizer, made.schedulers, scaling, (*unused, *made.ignored))
    if config.optimizer is not None and not named:
        choice = dataclasses.replace(choice, name=config.optimizer.name)
    built, scheduler = build_optimizer(meta.parameters(), choice)
    given = "the optimizer section, replaced by what was given beside the config"
    return Step(built, (scheduler,) if scheduler else (), scaling, (*unused, given))
