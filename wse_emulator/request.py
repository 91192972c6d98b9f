"""Request: one question about one training run, as a frozen value of plain values.

Flags, Python arguments and run configs all end in a :class:`Request`
(:mod:`wse_emulator.inputs.read`), every stage of the pipeline reads it, and every result holds it.
Nothing is looked up again from a typed command or from a built object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from wse_emulator.errors import InputError, UnknownNameError, near
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec

if TYPE_CHECKING:  # a section of schedulers is plain, its package loads torch
    from schedulers.sections import ScheduleSection

DEFAULT_OPTIMIZER: Final = "AdamW"

Mode = Literal["pipelined", "weight-streaming", "auto"]
"""All layers on the wafer at once, weights streamed in layer by layer, or the better of both."""
MODES: Final[tuple[Mode, ...]] = ("pipelined", "weight-streaming", "auto")

Phases = Literal["update"]
"""Which part of a training step is asked about: the optimizer step with its schedule."""

Recompute = int | Literal["full"] | None
"""Numbered layers that run forward again in backward: a number, all of them, or None to choose."""

EngineName = Literal["array", "pe"]
"""One array for each figure of all PEs, or one process for each PE; equal to the cycle."""
ENGINES: Final[tuple[EngineName, ...]] = ("array", "pe")
"""Names of the engines; ``array`` is the default of every command."""

MOST_SAMPLES: Final = 10**9
MOST_TOKENS: Final = 10**7
MOST_RUN_STEPS: Final = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Dtypes by part; None keeps the dtype that the captured step uses.

    Attributes:
        name: name of the policy.
        parameter: the weights that the optimizer updates (the master copy).
        gradient: gradients kept between backward and the step.
        state: optimizer state of more than one element; 0-dim state keeps its dtype.
        compute: activations, and the weights as forward and backward read them. If it differs
            from ``parameter``, a copy of the weights in it is kept beside the master.
    """

    name: str
    parameter: str | None = None
    gradient: str | None = None
    state: str | None = None
    compute: str | None = None

    def copy_bytes(self, parameter_dtype: str) -> int:
        """Bytes per element of the compute copy of the weights; 0 if there is none."""
        stored = self.parameter or parameter_dtype
        if self.compute is None or self.compute == stored:
            return 0
        return BYTES[self.compute]

    @property
    def activation_dtype(self) -> str:
        """Dtype of the activations."""
        return self.compute or "float32"


AS_CAPTURED: Final = Precision(name="as captured")
"""Every storage in the dtype in which the captured step uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterGroup:
    """Parameters with settings of their own.

    Attributes:
        patterns: shell-style patterns of parameter names.
        tag: name a scheduler's ``param_group_tags`` refers to.
        arguments: optimizer arguments that replace those of all groups.
    """

    patterns: tuple[str, ...]
    tag: str | None
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerChoice:
    """The optimizer that is asked for.

    Attributes:
        name: class name of the optimizer, any case; ``module:Class`` or ``file.py:Class`` for one
            of the user's own.
        lr: the rate; None for the class default, or where ``options`` or a schedule gives it.
        options: further constructor arguments by name.
        groups: parameter groups, in order; empty for one group of all parameters.
        source: the run config that names it, for messages; empty if flags or arguments do.
    """

    name: str = DEFAULT_OPTIMIZER
    lr: float | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    groups: tuple[ParameterGroup, ...] = ()
    source: str = ""

    @property
    def own(self) -> bool:
        """Whether it is a class of the user's own, and none of the package ``optimizers``."""
        return ":" in self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class LossScaling:
    """How the loss is scaled against underflow of 16-bit gradients.

    Attributes:
        dynamic: the scale moves with overflows; else it is `factor`.
        factor: the static scale, None if dynamic.
        initial: first dynamic scale, None for the default.
        largest: bound of a dynamic scale, None for none.
        steps_per_increase: steps without overflow before it grows, None for the default.
    """

    dynamic: bool
    factor: float | None = None
    initial: float | None = None
    largest: float | None = None
    steps_per_increase: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question about a training run.

    A lever, a limit that is lifted, or a point of a study is a ``dataclasses.replace`` of it.

    Attributes:
        wafer: the machine, with its changed fields.
        model: MODEL as it was written; of a Python object, its name.
        config: the run config that gave what no flag or argument did; None if there is none.
        optimizer: the optimizer, its options and parameter groups.
        schedules: the learning rate over the steps: none, one, or one per tag of groups.
        phases: which part of a training step is asked about.
        mode: ``pipelined``, ``weight-streaming``, or ``auto`` to choose.
        engine: ``array`` or ``pe``; the answers are equal to the cycle.
        precision: dtypes of the stored parts.
        batch_size: samples per step; None asks about the optimizer step alone.
        sequence: tokens per sample; None takes the model's own length.
        target: tokens of the target of an encoder-decoder; None takes as many.
        micro_batch: samples that move together; None to choose.
        recompute: numbered layers that run forward again in backward, the first ones.
        sparsity: fraction of the elements of the layers' matrices left out; 0 for dense.
        masks: an ``.npz`` file that says which elements are kept; instead of ``sparsity``.
        max_grad_norm: bound of the norm over all gradients; None for no clipping.
        loss_scaling: how the loss is scaled; None if it is not.
        steps: optimizer steps asked about; None if nothing says.
        objects: names of the fields given as Python objects, which a file cannot hold.

    Raises:
        UnknownNameError: no such mode or engine.
        InputError: a count or fraction out of range.

    Example:
        >>> from dataclasses import replace
        >>> from wse_emulator.wafer.presets import WSE2
        >>> request = Request(model="gpt2", wafer=WSE2, batch_size=8)
        >>> replace(request, batch_size=4).batch_size
        4
        >>> request.repeatable
        True
    """

    wafer: WaferSpec
    model: str = ""
    config: str | None = None
    optimizer: OptimizerChoice = field(default_factory=OptimizerChoice)
    schedules: tuple[ScheduleSection, ...] = ()
    phases: Phases = "update"
    mode: Mode = "pipelined"
    engine: str = "array"
    precision: Precision = AS_CAPTURED
    batch_size: int | None = None
    sequence: int | None = None
    target: int | None = None
    micro_batch: int | None = None
    recompute: Recompute = None
    sparsity: float = 0.0
    masks: str | None = None
    max_grad_norm: float | None = None
    loss_scaling: LossScaling | None = None
    steps: int | None = None
    objects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_mode_and_engine(self.mode, self.engine)
        _check_count("batch size", self.batch_size, MOST_SAMPLES)
        _check_count("sequence length", self.sequence, MOST_TOKENS)
        _check_count("target length", self.target, MOST_TOKENS)
        _check_count("micro-batch", self.micro_batch, MOST_SAMPLES)
        if isinstance(self.recompute, int) and self.recompute < 0:
            raise InputError(f"recompute is {self.recompute}; give a number of layers from 0")
        if not 0 <= self.sparsity < 1:  # also false for NaN
            raise InputError(
                f"sparsity is {self.sparsity}; give the fraction left out, from 0 to below 1"
            )
        if self.micro_batch and self.batch_size and self.micro_batch > self.batch_size:
            raise InputError(
                f"micro-batch {self.micro_batch} exceeds the batch of {self.batch_size}"
            )
        if self.steps is not None and self.steps < 1:
            raise InputError(f"steps must be at least 1, got {self.steps}")
        _check_count("steps", self.steps, MOST_RUN_STEPS)

    @property
    def repeatable(self) -> bool:
        """Whether the request names all that it asks about, so that it can be asked again."""
        return not self.objects

    @property
    def without_use(self) -> tuple[str, ...]:
        """What is given for samples, in words, though no batch size is."""
        if self.batch_size is not None:
            return ()
        given = {
            "the sequence length": self.sequence,
            "the target length": self.target,
            "the micro-batch": self.micro_batch,
            "the recomputation": self.recompute,
        }
        return tuple(word for word, value in given.items() if value is not None)

    @property
    def sparse(self) -> bool:
        """Whether elements of the layers' matrices are left out."""
        return self.sparsity > 0 or self.masks is not None

    @property
    def scales_gradients(self) -> bool:
        """Whether gradients are clipped or unscaled before the step uses them."""
        scaling = self.loss_scaling
        return self.max_grad_norm is not None or (scaling is not None and scaling.dynamic)


def check_mode_and_engine(mode: str, engine: str) -> None:
    """Refuse the name of a mode or engine that does not exist.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if mode not in MODES:
        raise UnknownNameError(
            f"unknown mode {mode!r}{near(str(mode), MODES)}; one of {', '.join(MODES)}"
        )
    if engine not in ENGINES:
        raise UnknownNameError(f"unknown engine {engine!r}; there are {', '.join(ENGINES)}")


def with_batch(request: Request, batch: int) -> Request:
    """The same with another batch, and no larger a micro-batch than that."""
    micro = None if request.micro_batch is None else min(request.micro_batch, batch)
    return replace(request, batch_size=batch, micro_batch=micro)


def _check_count(what: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise InputError(f"{what} is {value}; give a whole number from 1 to {most:,}")
