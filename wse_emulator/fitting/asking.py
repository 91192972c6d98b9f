"""From what a user gives to one request: names resolved, a run config's values as defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from wse_emulator.fitting.request import FitRequest, Mode, parse_recompute
from wse_emulator.inputs.configured_model import Configured, load_configured
from wse_emulator.inputs.mask_file import read_masks
from wse_emulator.inputs.optimizer_choice import OptimizerChoice
from wse_emulator.models.load import is_run_config, load_model
from wse_emulator.models.shapes import ModelShapes, shapes_of_module
from wse_emulator.plan.precision import AS_CAPTURED, Precision, parse_precision
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, as given; None where nothing was. See :func:`~wse_emulator.fitting.fit`."""

    model: str | ModelShapes | nn.Module
    optimizer: str | OptimizerChoice | None = None
    lr: float | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    wafer: str | WaferSpec = WSE2
    mode: Mode = "pipelined"
    precision: str | Precision | None = None
    batch_size: int | None = None
    sequence: int | None = None
    target: int | None = None
    micro_batch: int | None = None
    recompute: int | str | None = None
    sparsity: float | str | Path | None = None


def to_request(asked: Asked) -> FitRequest:
    """The request; what is given goes before what a run config says.

    Raises:
        WseError: a name, number or file that cannot be used.
    """
    config: Configured | None = None
    if isinstance(asked.model, str) and is_run_config(asked.model):
        config = load_configured(Path(asked.model))
        model = config.model
    else:
        model = _shapes(asked.model)
    return FitRequest(
        model=model,
        wafer=parse_wafer(asked.wafer) if isinstance(asked.wafer, str) else asked.wafer,
        optimizer=_optimizer(asked, config),
        mode=asked.mode,
        precision=_precision(asked, config),
        batch_size=_given(asked.batch_size, config.config.batch_size if config else None),
        sequence=_given(asked.sequence, config.config.sequence_length if config else None),
        target=asked.target,
        micro_batch=asked.micro_batch,
        recompute=parse_recompute(asked.recompute)
        if isinstance(asked.recompute, str)
        else asked.recompute,
        sparsity=_sparsity(asked, config),
        masks=read_masks(Path(asked.sparsity), model)
        if isinstance(asked.sparsity, str | Path)
        else {},
    )


def _sparsity(asked: Asked, config: Configured | None) -> float:
    if isinstance(asked.sparsity, str | Path):
        return 0.0
    if asked.sparsity is not None:
        return asked.sparsity
    return config.sparsity if config else 0.0


def _given(value: int | None, default: int | None) -> int | None:
    return default if value is None else value


def _shapes(model: str | ModelShapes | nn.Module) -> ModelShapes:
    if isinstance(model, str):
        return load_model(model)
    if isinstance(model, nn.Module):
        name = type(model).__name__
        return shapes_of_module(model, name, f"the module {name}")
    return model


def _optimizer(asked: Asked, config: Configured | None) -> OptimizerChoice:
    if isinstance(asked.optimizer, OptimizerChoice):
        return asked.optimizer
    if asked.optimizer is not None:
        return OptimizerChoice(name=asked.optimizer, lr=asked.lr, options=asked.options)
    if config is not None and config.optimizer is not None:
        options = {**config.optimizer.options, **asked.options}
        if asked.lr is not None:
            options["lr"] = asked.lr
        return OptimizerChoice(name=config.optimizer.name, options=options)
    return OptimizerChoice(lr=asked.lr, options=asked.options)


def _precision(asked: Asked, config: Configured | None) -> Precision:
    if isinstance(asked.precision, Precision):
        return asked.precision
    if asked.precision is not None:
        return parse_precision(asked.precision)
    if config is not None and config.config.half_dtype is not None:
        return parse_precision("mixed", compute=config.config.half_dtype)
    return AS_CAPTURED
