"""What a user gives, read into one :class:`~wse_emulator.request.Request` and what it names.

What is given goes before what a run config says. Where the run config is MODEL itself, it brings
everything: model, optimizer, schedule, batch, lengths, precision, sparsity, clipping and loss
scaling. Beside another MODEL its batch and lengths, which are those of its own model, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from torch import nn

from schedulers import ScheduleSection
from schedulers.errors import SchedulerError
from schedulers.sections import read_learning_rate
from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.errors import InputError
from wse_emulator.inputs.given import Given, parse_micro_batch, parse_recompute
from wse_emulator.inputs.mask_file import Masks, read_masks
from wse_emulator.inputs.optimizer import configured_choice
from wse_emulator.inputs.own_optimizer import (
    MakeOptimizer,
    OwnOptimizer,
    given_optimizer,
    import_optimizer,
    named_if_known,
)
from wse_emulator.inputs.precision import parse_precision
from wse_emulator.inputs.schedule_text import finite_rate, parse_schedule
from wse_emulator.models.load import is_run_config, load_configured_model, load_model
from wse_emulator.models.modules import Model, shapes_of_module
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.request import (
    AS_CAPTURED,
    LossScaling,
    OptimizerChoice,
    Precision,
    Request,
)
from wse_emulator.results.answers import CONFIG_BATCH
from wse_emulator.wafer.parse import machine_given, typed_wafer
from wse_emulator.wafer.spec import WaferSpec

_FILE: Final = (str, Path)
_MODEL_SECTIONS: Final = ("model.", "trainer.init.model.")
"""Where the keys of a model stand in a run config of release 1.x and of 2.x."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """A request with what the names in it stand for, each read once.

    Attributes:
        request: the question.
        model: the shapes of its model.
        masks: which elements are kept, by parameter name; empty without masks.
        config: the run config it was read from, if there is one.
        unused: what of the run config plays no part in the answer.
        own_optimizer: the user's own optimizer, if the request names one.
    """

    request: Request
    model: ModelShapes
    masks: Masks = field(default_factory=dict)
    config: RunConfig | None = None
    unused: tuple[str, ...] = ()
    own_optimizer: OwnOptimizer | None = None

    @property
    def make_optimizer(self) -> MakeOptimizer | None:
        """The class or function of the user's own that builds the optimizer, if it is one."""
        return None if self.own_optimizer is None else self.own_optimizer.make

    def changed(self, request: Request) -> Inputs:
        """The same inputs under a changed request that names the same model and masks."""
        return replace(self, request=request)


def read(given: Given) -> Inputs:
    """The request, and what its names stand for.

    Raises:
        WseError: a name, number or file that cannot be used.
    """
    given = replace(given, optimizer=named_if_known(given.optimizer))
    path = given.config
    is_model = isinstance(given.model, str) and is_run_config(given.model)
    if path is None and is_model:
        path = str(given.model)
    config = None if path is None else read_run_config(Path(path))
    own = config is not None and is_model and str(path) == given.model
    model = _model(given.model, config if own else None)
    configured, ignored = (None, ()) if config is None else configured_choice(config)
    own_optimizer = (
        None if given.optimizer is None else given_optimizer(given.optimizer, given.model)
    )
    optimizer = _optimizer(given, configured, own_optimizer)
    spec = machine_given(given.wafer)
    masks = read_masks(Path(given.sparsity), model) if isinstance(given.sparsity, _FILE) else {}
    request = Request(
        wafer=spec,
        model=given.model if isinstance(given.model, str) else model.name,
        config=None if path is None else str(path),
        optimizer=optimizer,
        schedules=_schedules(given, config),
        mode=given.mode,
        engine=given.engine,
        precision=_precision(given, config),
        batch_size=_first(given.batch_size, config.batch_size if config and own else None),
        sequence=_first(given.seq_len, config.sequence_length if config and own else None),
        target=given.target_len,
        micro_batch=parse_micro_batch(given.micro_batch),
        recompute=parse_recompute(given.recompute),
        sparsity=_sparsity(given, config),
        masks=str(given.sparsity) if masks else None,
        max_grad_norm=_max_norm(given, config),
        loss_scaling=_loss_scaling(given, config),
        steps=given.steps,
        objects=_objects(given, spec),
    )
    unused = () if config is None else _unused(given, config, ignored, own=own)
    return Inputs(
        request=request,
        model=model,
        masks=masks,
        config=config,
        unused=unused,
        own_optimizer=own_optimizer,
    )


def read_again(request: Request) -> Inputs:
    """What the names of a request stand for, for a request that is asked again.

    Raises:
        InputError: its model or machine was given as a Python object, or a file that it names
            cannot be read any more.
    """
    if not request.repeatable:
        raise InputError(
            f"the {' and '.join(request.objects)} of this question was given as a Python object; "
            "ask with the object again"
        )
    model = load_model(request.model)
    masks = {} if request.masks is None else read_masks(Path(request.masks), model)
    own = import_optimizer(request.optimizer.name) if request.optimizer.own else None
    return Inputs(request=request, model=model, masks=masks, own_optimizer=own)


def _model(model: Model | Path, config: RunConfig | None) -> ModelShapes:
    if isinstance(model, nn.Module):
        name = type(model).__name__
        return shapes_of_module(model, name, f"the module {name}")
    if isinstance(model, ModelShapes):
        return model
    if not isinstance(model, str):
        raise InputError(
            f"the model is {_kind_of(model)}; give a name, a file, module:factory, shapes, or an "
            "nn.Module that is built"
        )
    return load_model(model) if config is None else load_configured_model(Path(model), config)


def _kind_of(value: object) -> str:
    """What something is, for messages: it may print as pages."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _optimizer(
    given: Given, configured: OptimizerChoice | None, own: OwnOptimizer | None
) -> OptimizerChoice:
    """The choice of the user; without a name of an optimizer, on top of that of the config."""
    options = given.options or {}
    if isinstance(given.optimizer, OptimizerChoice):
        return given.optimizer
    if own is not None:
        return OptimizerChoice(name=own.name, lr=given.lr, options=options)
    if isinstance(given.optimizer, str):
        return OptimizerChoice(name=given.optimizer, lr=given.lr, options=options)
    if configured is None:
        return OptimizerChoice(lr=given.lr, options=options)
    if not options and given.lr is None:
        return configured
    return replace(configured, lr=given.lr, options={**configured.options, **options}, source="")


def _schedules(given: Given, config: RunConfig | None) -> tuple[ScheduleSection, ...]:
    """The schedule of the user; a rate of their own leaves no schedule of the config standing."""
    if given.lr_schedule is None:
        return config.schedules if config is not None and given.lr is None else ()
    rate = given.lr_schedule
    if isinstance(rate, str):
        rate = parse_schedule(rate)
    if isinstance(rate, int | float):  # by itself, 0 would mean no schedule at all
        rate = {
            "scheduler": "ConstantLR",
            "learning_rate": finite_rate("lr_schedule", float(rate)),
        }
    try:
        section = read_learning_rate(rate)
    except (SchedulerError, ValueError, TypeError) as error:
        raise InputError(f"learning-rate schedule: {error}") from error
    return () if section is None else (section,)


def _precision(given: Given, config: RunConfig | None) -> Precision:
    if isinstance(given.precision, Precision):
        return given.precision
    if given.precision is not None:
        return parse_precision(given.precision)
    if config is not None and config.half_dtype is not None:
        return parse_precision("mixed", compute=config.half_dtype)
    return AS_CAPTURED


def _sparsity(given: Given, config: RunConfig | None) -> float:
    if given.sparsity is not None and not isinstance(given.sparsity, _FILE):
        return float(given.sparsity)
    if given.sparsity is None and config is not None:
        return config.sparsity
    return 0.0


def _max_norm(given: Given, config: RunConfig | None) -> float | None:
    if given.max_grad_norm is not None or config is None:
        return given.max_grad_norm
    return config.max_gradient_norm


def _loss_scaling(given: Given, config: RunConfig | None) -> LossScaling | None:
    found = None if config is None else config.loss_scaling
    if not given.loss_scaling:
        return found
    return LossScaling(dynamic=True) if found is None else replace(found, dynamic=True, factor=None)


def _first(value: int | None, default: int | None) -> int | None:
    return default if value is None else value


def _objects(given: Given, spec: WaferSpec) -> tuple[str, ...]:
    """Names of what cannot be written down as it was given."""
    found = []
    if not isinstance(given.model, str):
        found.append("model")
    if not (given.optimizer is None or isinstance(given.optimizer, str | OptimizerChoice)):
        found.append("optimizer")
    if typed_wafer(spec) is None:
        found.append("wafer")
    if not all(_is_plain(value) for value in (given.options or {}).values()):
        found.append("options")
    return tuple(found)


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _unused(
    given: Given, config: RunConfig, ignored: tuple[str, ...], *, own: bool
) -> tuple[str, ...]:
    """What of a run config plays no part, as dotted names or in words."""
    unused = [*config.unused, *ignored]
    if config.max_gradient_value is not None:
        unused.append("max_gradient_value")
    if config.loss_scaling is not None and not config.loss_scaling.dynamic:
        unused.append("static loss scale")
    if given.optimizer is not None and config.optimizer is not None:
        unused.append("the optimizer section, replaced by what was given beside the config")
    elif config.schedules and (given.lr is not None or given.lr_schedule is not None):
        unused.append("the learning rate, replaced by what was given beside the config")
    if not own:
        unused = [key for key in unused if not key.startswith(_MODEL_SECTIONS)]
        unused.append("the model section, since another model is named")
        if config.batch_size is not None and given.batch_size is None:
            unused.append(CONFIG_BATCH)
    return tuple(unused)
