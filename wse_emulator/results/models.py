"""What the list of built-in models says of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One built-in model.

    Attributes:
        name: what to give as MODEL.
        parameters: elements of all its parameters, tied ones once.
        tensors: parameters.
        architecture: class of its layers; None where only its shapes are known.
        source: where its shapes come from.

    Example:
        >>> largest = wse_emulator.models()[-1]
        >>> largest.tensors > 500
        True
    """

    name: str
    parameters: int
    tensors: int
    architecture: str | None
    source: str
