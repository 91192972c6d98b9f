"""What a user gives, as typed or as passed, before any name of it is looked up.

Nothing here loads torch, so that a command can refuse a misspelt name at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Final, SupportsFloat, SupportsIndex

from wse_emulator.errors import InputError
from wse_emulator.request import (
    Mode,
    Precision,
    Recompute,
    check_mode_and_engine,
)
from wse_emulator.wafer.spec import WaferSpec

if TYPE_CHECKING:
    from wse_emulator.inputs.own_optimizer import AnyOptimizer
    from wse_emulator.inputs.schedule_text import LearningRate
    from wse_emulator.models.modules import Model

DEFAULT_WAFER: Final = "wse2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a user gives, as typed or as passed; None where nothing was.

    The fields are those of :class:`~wse_emulator.request.Request` before names are resolved; each
    function named after a question says what its arguments mean.
    """

    model: Model | Path
    optimizer: AnyOptimizer | None = None
    config: str | Path | None = None
    lr: float | None = None
    lr_schedule: str | Path | LearningRate | None = None
    options: Mapping[str, object] | None = None
    max_grad_norm: float | None = None
    loss_scaling: bool = False
    wafer: str | WaferSpec = DEFAULT_WAFER
    engine: str = "array"
    mode: Mode = "pipelined"
    precision: str | Precision | None = None
    batch_size: int | None = None
    seq_len: int | None = None
    target_len: int | None = None
    micro_batch: int | str | None = None
    recompute: int | str | None = None
    sparsity: float | str | Path | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Turn numbers of NumPy and the like into Python's own, so that a file can hold them.

        Raises:
            InputError: something else where a number belongs, or an unknown engine or mode.
        """
        if isinstance(self.model, Path):
            object.__setattr__(self, "model", str(self.model))
        if isinstance(self.lr_schedule, Path):
            object.__setattr__(self, "lr_schedule", str(self.lr_schedule))
        for name in ("batch_size", "seq_len", "target_len", "steps"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        for name in ("lr", "max_grad_norm"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if isinstance(self.sparsity, str):
            object.__setattr__(self, "sparsity", parse_sparsity(self.sparsity))
        if not isinstance(self.sparsity, str | Path):
            object.__setattr__(self, "sparsity", _number("sparsity", self.sparsity))
        for name in ("micro_batch", "recompute"):
            if not isinstance(getattr(self, name), str):
                object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        _check_optimizer(self.optimizer)
        _check_kind("config", self.config, (str, Path), "name a run config (YAML)")
        _check_kind("precision", self.precision, (str, Precision), "name a policy, as 'mixed'")
        _check_kind("loss_scaling", self.loss_scaling, (bool,), "give True or False")
        _check_kind("options", self.options, (Mapping,), "give names and values, as {'eps': 1e-6}")
        options = {str(name): _plain(value) for name, value in (self.options or {}).items()}
        object.__setattr__(self, "options", options)
        check_mode_and_engine(self.mode, self.engine)


def _check_optimizer(optimizer: object) -> None:
    """Refuse what can be no optimizer, before anything is loaded."""
    if isinstance(optimizer, bool | int | float | bytes | list | tuple | dict | set):
        raise InputError(
            f"optimizer is {optimizer!r}; name a class, as 'AdamW', or give a class, a function "
            "that builds one on parameters, or an optimizer"
        )


def _check_kind(name: str, value: object, kinds: tuple[type, ...], remedy: str) -> None:
    if value is not None and not isinstance(value, kinds):
        raise InputError(f"{name} is {value!r}; {remedy}")


def whole_number(name: str, value: object) -> int | None:
    """A whole number that a user gives, of Python or NumPy; None for nothing.

    Raises:
        InputError: anything else.
    """
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InputError(f"{name} is {value!r}; give a whole number")
    return index(value)


def _number(name: str, value: object) -> float | None:
    if value is None or type(value) in (int, float):
        return value  # type: ignore[return-value]  # an int of the user stays one
    if isinstance(value, bool | str) or not isinstance(value, SupportsFloat):
        raise InputError(f"{name} is {value!r}; give a number")
    return float(value)


def _plain(value: object) -> object:
    """A number of NumPy as Python's own; everything else unchanged."""
    if isinstance(value, tuple | list):
        return tuple(_plain(item) for item in value)
    kind = type(value)
    if kind.__module__ == "numpy" and isinstance(value, SupportsFloat):
        return float(value) if not isinstance(value, SupportsIndex) else index(value)
    return value


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


def parse_micro_batch(text: int | str | None) -> int | None:
    """``auto`` or None -> None, or a number of samples.

    Raises:
        InputError: anything else.
    """
    if not isinstance(text, str):
        return text
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
