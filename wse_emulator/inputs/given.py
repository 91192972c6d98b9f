"""What a user gives, as typed or as passed, before any name of it is looked up.

Nothing here loads torch, so that a command can refuse a misspelt name at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wse_emulator.errors import InputError
from wse_emulator.request import Mode, OptimizerChoice, Precision, Recompute
from wse_emulator.wafer.spec import WaferSpec

if TYPE_CHECKING:
    from wse_emulator.inputs.schedule_text import LearningRate
    from wse_emulator.models.modules import Model

DEFAULT_WAFER: Final = "wse2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a user gives, as typed or as passed; None where nothing was.

    The fields are those of :class:`~wse_emulator.request.Request` before names are resolved; each
    function named after a question says what its arguments mean.
    """

    model: Model
    optimizer: str | OptimizerChoice | None = None
    config: str | Path | None = None
    lr: float | None = None
    lr_schedule: str | LearningRate | None = None
    options: Mapping[str, object] | None = None
    max_grad_norm: float | None = None
    loss_scaling: bool = False
    wafer: str | WaferSpec = DEFAULT_WAFER
    engine: str = "array"
    mode: Mode = "pipelined"
    precision: str | Precision | None = None
    batch_size: int | None = None
    sequence: int | None = None
    target: int | None = None
    micro_batch: int | None = None
    recompute: int | str | None = None
    sparsity: float | str | Path | None = None
    steps: int | None = None


def parse_recompute(recompute: int | str | None) -> Recompute:
    """``auto`` -> None, ``none`` -> 0, ``full`` -> all layers, or a number of layers.

    Raises:
        InputError: anything else.
    """
    if not isinstance(recompute, str):
        return recompute
    if recompute == "full":
        return "full"
    words = {"auto": None, "none": 0}
    if recompute in words:
        return words[recompute]
    try:
        return int(recompute)
    except ValueError:
        raise InputError(
            f"recompute is {recompute!r}; one of auto, none, full, or a number of layers"
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
