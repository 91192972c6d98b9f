"""What is read from a run config: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schedulers import ScheduleSection
from wse_emulator.configs.section import Section
from wse_emulator.request import LossScaling, ParameterGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What the ``model`` section says about the model's size; None where it says nothing.

    Attributes:
        name: the model's name (2.x only).
        section: the section itself; the builder of the model reads the rest from it.
    """

    name: str | None
    hidden_size: int | None
    layers: int | None
    heads: int | None
    key_value_heads: int | None
    filter_size: int | None
    vocabulary: int | None
    positions: int | None
    section: Section = field(compare=False, repr=False)

    @property
    def settings(self) -> Mapping[str, object]:
        """The whole section as it stands in the file; empty if there is none."""
        return self.section.entries


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSettings:
    """The optimizer a config asks for.

    Attributes:
        name: its name as the config writes it, such as ``AdamW`` or ``adamw``.
        arguments: the section's keys as they stand (``weight_decay_rate``, ``beta1``, ...),
            without learning rate, clipping, loss scaling and logging; what
            ``optimizers.configure_optimizer`` takes.
        groups: parameter groups, in order; empty for one group of all parameters.
    """

    name: str
    arguments: Mapping[str, object]
    groups: tuple[ParameterGroup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """A run config, as far as the emulator uses one.

    Attributes:
        source: the file, for messages.
        style: ``1.x`` or ``2.x``.
        batch_size: samples a step, over all systems.
        micro_batch_size: samples a micro-batch.
        sequence_length: tokens a sample, from the input section, else the model's positions.
        max_steps: steps of the run.
        half_dtype: 16-bit dtype of mixed precision, None for float32 throughout.
        schedules: the learning rate: none, one, or one for each tag of parameter groups.
        rate_factors: parts of the model whose rate is multiplied (``adjust_learning_rate``).
        max_gradient_norm: bound of the global gradient norm.
        max_gradient_value: bound of each gradient element.
        loss_scaling: None if the loss is not scaled.
        sparsity: fraction of static sparsity; 0 if it names none.
        top: the whole file; it knows which keys were read.
        ignored: dotted names of what the schedules hold and do not use.
    """

    source: str
    style: str
    model: ModelSettings
    batch_size: int | None
    micro_batch_size: int | None
    sequence_length: int | None
    max_steps: int | None
    half_dtype: str | None
    optimizer: OptimizerSettings | None
    schedules: tuple[ScheduleSection, ...]
    rate_factors: tuple[tuple[str, float], ...]
    max_gradient_norm: float | None
    max_gradient_value: float | None
    loss_scaling: LossScaling | None
    sparsity: float
    top: Section = field(compare=False, repr=False)
    ignored: tuple[str, ...]

    @property
    def unused(self) -> tuple[str, ...]:
        """Dotted names of what the file holds and nothing has used so far.

        Building the model reads further keys of its section; ask after that.
        """
        return (*self.top.unused(), *self.ignored)
