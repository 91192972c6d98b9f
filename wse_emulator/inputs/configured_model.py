"""A run config as an input: its model built into layers, and what else it says of memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from optimizers.configure import read_section
from wse_emulator.configs.read import read_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.configs.yaml_file import read_yaml_mapping
from wse_emulator.errors import ConfigError
from wse_emulator.inputs.optimizer_choice import OptimizerChoice
from wse_emulator.models.load import load_configured_model
from wse_emulator.models.shapes import ModelShapes


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
        optimizer=_optimizer(config),
        sparsity=_sparsity(path),
    )


def _optimizer(config: RunConfig) -> OptimizerChoice | None:
    if config.optimizer is None:
        return None
    try:
        section = read_section(
            {**config.optimizer.arguments, "optimizer_type": config.optimizer.name}
        )
    except ValueError as error:
        raise ConfigError(f"{config.source}: {error}") from error
    return OptimizerChoice(name=section.optimizer.__name__, options=dict(section.arguments))


def _sparsity(path: Path) -> float:
    """``trainer.init.sparsity.sparsity`` where it is a plain number: static sparsity."""
    section: object = read_yaml_mapping(path)
    for key in ("trainer", "init", "sparsity", "sparsity"):
        section = section.get(key) if isinstance(section, dict) else None
    return float(section) if isinstance(section, int | float) else 0.0
