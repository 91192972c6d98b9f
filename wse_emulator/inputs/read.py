"""What is asked: names resolved, a run config's values as defaults, checked, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from torch import nn

from optimizers.configure import read_section
from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.configs.yaml_file import read_yaml_mapping
from wse_emulator.errors import ConfigError, InputError, UnknownNameError, near
from wse_emulator.inputs.mask_file import Masks, read_masks
from wse_emulator.inputs.optimizer import OptimizerChoice
from wse_emulator.inputs.precision import AS_CAPTURED, Precision, parse_precision
from wse_emulator.models.load import is_run_config, load_configured_model, load_model
from wse_emulator.models.shapes import ModelShapes, shapes_of_module
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.spec import WaferSpec

DEFAULT_WAFER: Final = "wse2"

RUN_MODES: Final = ("pipelined",)

Mode = Literal["pipelined", "weight-streaming", "auto"]
MODES: Final[tuple[Mode, ...]] = ("pipelined", "weight-streaming", "auto")
MOST_SAMPLES: Final = 10**9
MOST_TOKENS: Final = 10**7
ALL_LAYERS: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRequest:
    """One question.

    Attributes:
        model: the shapes.
        wafer: the machine.
        optimizer: the optimizer by name, with its options.
        mode: ``pipelined``, ``weight-streaming``, or ``auto`` to choose.
        precision: dtypes of the stored parts.
        batch_size: samples a step; None judges the optimizer step alone.
        sequence: tokens a sample; None takes the model's own length.
        target: tokens of the target of an encoder-decoder; None takes as many.
        micro_batch: samples that move together; None to choose.
        recompute: numbered layers that run forward again in backward; None to choose.
        sparsity: fraction of the elements of matrices that is left out; 0 for dense.
        masks: which elements are kept, by parameter name; instead of ``sparsity``.
    """

    model: ModelShapes
    wafer: WaferSpec
    optimizer: OptimizerChoice = field(default_factory=OptimizerChoice)
    mode: Mode = "pipelined"
    precision: Precision = AS_CAPTURED
    batch_size: int | None = None
    sequence: int | None = None
    target: int | None = None
    micro_batch: int | None = None
    recompute: int | None = None
    sparsity: float = 0.0
    masks: Masks = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownNameError(
                f"unknown mode {self.mode!r}{near(self.mode, MODES)}; one of {', '.join(MODES)}"
            )
        _check_count("batch size", self.batch_size, MOST_SAMPLES)
        _check_count("sequence length", self.sequence, MOST_TOKENS)
        _check_count("target length", self.target, MOST_TOKENS)
        _check_count("micro-batch", self.micro_batch, MOST_SAMPLES)
        if self.recompute is not None and self.recompute < 0:
            raise InputError(f"recompute is {self.recompute}; give a number of layers from 0")
        if not 0 <= self.sparsity < 1:  # also false for NaN
            raise InputError(
                f"sparsity is {self.sparsity}; give the fraction left out, from 0 to below 1"
            )
        if self.micro_batch and self.batch_size and self.micro_batch > self.batch_size:
            raise InputError(
                f"micro-batch {self.micro_batch} exceeds the batch of {self.batch_size}"
            )


def with_batch(request: FitRequest, batch: int) -> FitRequest:
    """The same with another batch, and no larger a micro-batch than that."""
    micro = None if request.micro_batch is None else min(request.micro_batch, batch)
    return replace(request, batch_size=batch, micro_batch=micro)


def _check_count(what: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise InputError(f"{what} is {value}; give a whole number from 1 to {most:,}")


def parse_recompute(text: str) -> int | None:
    """``auto`` -> None, ``none`` -> 0, ``full`` -> all layers, or a number of layers.

    Raises:
        InputError: anything else.
    """
    words = {"auto": None, "none": 0, "full": ALL_LAYERS}
    if text in words:
        return words[text]
    try:
        return int(text)
    except ValueError:
        raise InputError(
            f"recompute is {text!r}; one of auto, none, full, or a number of layers"
        ) from None


def parse_micro_batch(text: str) -> int | None:
    """``auto`` -> None, or a number of samples.

    Raises:
        InputError: anything else.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise InputError(f"micro-batch is {text!r}; auto or a whole number") from None


def parse_sparsity(text: str | None) -> float | str | None:
    """A fraction, or the name of a file of masks.

    Raises:
        InputError: neither a number nor a name that ends in ``.npz``.
    """
    if text is None or text.endswith(".npz"):
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"sparsity is {text!r}; give a fraction from 0 to below 1, or an .npz of masks"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a run config says of a fit.

    Attributes:
        config: the config as read.
        model: its model.
        optimizer: its optimizer; None if it names none.
        sparsity: fraction of static sparsity; 0 if it names none.
    """

    config: RunConfig
    model: ModelShapes
    optimizer: OptimizerChoice | None
    sparsity: float


def load_configured(path: Path) -> Configured:
    """The run config of a file, its model on the meta device, and its optimizer.

    Raises:
        MalformedFileError: the file cannot be read.
        ConfigError: it is no run config, lacks a size of the model, or names an unknown optimizer.
    """
    config = read_run_config(path)
    return Configured(
        config=config,
        model=load_configured_model(path, config),
        optimizer=_configured_optimizer(config),
        sparsity=_configured_sparsity(path),
    )


def _configured_optimizer(config: RunConfig) -> OptimizerChoice | None:
    if config.optimizer is None:
        return None
    try:
        section = read_section(
            {**config.optimizer.arguments, "optimizer_type": config.optimizer.name}
        )
    except ValueError as error:
        raise ConfigError(f"{config.source}: {error}") from error
    return OptimizerChoice(name=section.optimizer.__name__, options=dict(section.arguments))


def _configured_sparsity(path: Path) -> float:
    """``trainer.init.sparsity.sparsity`` where it is a plain number: static sparsity."""
    section: object = read_yaml_mapping(path)
    for key in ("trainer", "init", "sparsity", "sparsity"):
        section = section.get(key) if isinstance(section, dict) else None
    return float(section) if isinstance(section, int | float) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, as given; None where nothing was. See :func:`wse_emulator.fit`."""

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
