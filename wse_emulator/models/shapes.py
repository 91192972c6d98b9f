"""A model as names, shapes and dtypes, and the files that hold one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wse_emulator.errors import MalformedFileError
from wse_emulator.text_file import json_of, text_of

if TYPE_CHECKING:
    from torch import nn

FLOATING_DTYPES: Final = ("float64", "float32", "float16", "bfloat16")
"""Dtypes a parameter may have: those that gradients exist for."""

MOST_TENSOR_BYTES: Final = 2**63 - 1
"""What torch counts of a tensor, in bytes; elements of 8 bytes are the largest."""

MOST_DIMENSIONS: Final = 64
"""Of a tensor, for NumPy and torch."""

_MOST_ELEMENTS: Final = MOST_TENSOR_BYTES // 8

_BESIDE_A_CONFIG: Final[Mapping[str, str]] = {
    "peft_type": "it is the config of an adapter",
    "weight_map": "it is the index of a checkpoint",
    "image_processor_type": "it is the config of an image processor",
    "feature_extractor_type": "it is the config of a feature extractor",
    "tokenizer_class": "it is the config of a tokenizer",
    "bos_token_id": "it is a config of generation",
}
"""Keys of the files that lie beside a ``config.json`` -> which file it is."""


@dataclass(frozen=True, slots=True)
class TensorShape:
    """The shape of one parameter, with its name, its dtype, and whether it is trained."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool = True

    @property
    def numel(self) -> int:
        """The number of elements."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShapes:
    """A model without its values: names, shapes and dtypes. Tied parameters appear once.

    Attributes:
        name: the name that the user gave it, without folders.
        parameters: in model order; never empty.
        tied: (other name, name in ``parameters``) of parameters that share a storage.
        source: what it was read from, in words.
        architecture: class of the model where known.
        config: facts of the architecture where known (sizes, heads, vocabulary).
        build: makes the module on the meta device; None where only shapes are known.
    """

    name: str
    parameters: tuple[TensorShape, ...]
    tied: tuple[tuple[str, str], ...] = ()
    source: str = "shapes"
    architecture: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    build: Callable[[], nn.Module] | None = field(default=None, compare=False)

    @property
    def total_elements(self) -> int:
        """The number of elements of all parameters; tied ones count once."""
        return sum(parameter.numel for parameter in self.parameters)


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        MalformedFileError: missing, unreadable, too large, or not JSON.
    """
    try:
        text = text_of(path, "a model description")
    except OSError as error:
        raise MalformedFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise MalformedFileError(f"{path}: {error}") from error
    try:
        return json_of(text)
    except ValueError as error:
        raise MalformedFileError(f"{path}: not JSON: {error}") from error


def parse_shapes(document: object, name: str, where: str) -> ModelShapes:
    """Read a list of ``[name, shape, dtype]``, or an object that has one as ``params``.

    Raises:
        MalformedFileError: the message names the entry that is wrong.
    """
    facts: Mapping[str, object] = {}
    entries = document
    if isinstance(document, dict):
        facts = document
        entries = document.get("params")
    if not isinstance(entries, list):
        for key, what in _BESIDE_A_CONFIG.items():
            if key in facts:
                raise MalformedFileError(
                    f"{where}: {what}, which has no shapes; give the model's config.json, or "
                    "file.py:factory for a model that is changed after it is built"
                )
        raise MalformedFileError(
            f"{where}: no list of parameters; a shapes file is a list of "
            '["name", [sizes], "float32"], or an object with such a list as "params"'
        )
    if not entries:
        raise MalformedFileError(f"{where}: the list of parameters is empty")
    parameters = tuple(
        _entry(entry, f"{where}: parameter {index}") for index, entry in enumerate(entries)
    )
    seen: set[str] = set()
    for parameter in parameters:
        if parameter.name in seen:
            raise MalformedFileError(f"{where}: parameter {parameter.name!r} appears twice")
        seen.add(parameter.name)
    tied = facts.get("tied")
    config = facts.get("config")
    architecture = facts.get("class", facts.get("cls"))
    title = facts.get("name")
    return ModelShapes(
        name=title if isinstance(title, str) and title else name,
        parameters=parameters,
        tied=_tied_pairs(tied, where) if tied else (),
        source=where,
        architecture=architecture if isinstance(architecture, str) else None,
        config=config if isinstance(config, dict) else {},
    )


def _entry(entry: object, where: str) -> TensorShape:
    if not isinstance(entry, list) or len(entry) != 3:
        raise MalformedFileError(f'{where}: expected ["name", [sizes], "dtype"], got {entry!r:.80}')
    name, shape, dtype = entry
    if not isinstance(name, str) or not name:
        raise MalformedFileError(f"{where}: the name is {name!r:.80}, not a text")
    if not isinstance(shape, list) or not all(
        isinstance(size, int) and not isinstance(size, bool) for size in shape
    ):
        raise MalformedFileError(f"{where} ({name}): the shape is {shape!r:.80}, not whole numbers")
    if any(size < 0 for size in shape):
        raise MalformedFileError(f"{where} ({name}): the shape {shape!r:.80} has a negative size")
    if len(shape) > MOST_DIMENSIONS or prod(max(size, 1) for size in shape) > _MOST_ELEMENTS:
        raise MalformedFileError(f"{where} ({name}): the shape {shape!r:.80} is impossibly large")
    if not isinstance(dtype, str) or dtype not in FLOATING_DTYPES:
        raise MalformedFileError(
            f"{where} ({name}): dtype {dtype!r:.80}; one of {', '.join(FLOATING_DTYPES)}"
        )
    return TensorShape(name, tuple(shape), dtype)


def _tied_pairs(tied: object, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(tied, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, str) for n in pair)
        for pair in tied
    ):
        raise MalformedFileError(f'{where}: "tied" is not a list of pairs of names')
    return tuple((pair[0], pair[1]) for pair in tied)
