"""What is asked of a fit: everything that decides the bytes, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from wse_emulator.errors import InputError, UnknownNameError
from wse_emulator.inputs.mask_file import Masks
from wse_emulator.inputs.optimizer_choice import OptimizerChoice
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.near_names import near
from wse_emulator.plan.precision import AS_CAPTURED, Precision
from wse_emulator.wafer.spec import WaferSpec

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
