"""Sparsity masks: an ``.npz`` file with one boolean array a sparse parameter."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wse_emulator.errors import MalformedFileError, near
from wse_emulator.models.shapes import ModelShapes

Masks = Mapping[str, NDArray[np.bool_]]
"""Parameter name -> which of its elements are kept, in its shape."""


def read_masks(path: Path, model: ModelShapes) -> Masks:
    """The masks of a model; parameters without one are dense.

    Raises:
        MalformedFileError: no such file or not of this kind, an array that is not boolean, a
            name that is no parameter, or another shape than the parameter's.
    """
    shapes = {parameter.name: parameter.shape for parameter in model.parameters}
    masks: dict[str, NDArray[np.bool_]] = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise MalformedFileError(f"{path}: one array, not an .npz of arrays by name")
            for name in archive.files:
                masks[name] = _mask(archive[name], name, shapes, path)
    except OSError as error:
        raise MalformedFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MalformedFileError(f"{path}: is no .npz of boolean arrays") from error
    if not masks:
        raise MalformedFileError(f"{path}: holds no masks")
    return masks


def _mask(
    array: NDArray[np.generic], name: str, shapes: Mapping[str, tuple[int, ...]], path: Path
) -> NDArray[np.bool_]:
    if name not in shapes:
        raise MalformedFileError(
            f"{path}: {name!r} is no parameter of the model{near(name, shapes)}"
        )
    if array.dtype != np.bool_:
        raise MalformedFileError(
            f"{path}: {name} is {array.dtype}; a mask is boolean, True is kept"
        )
    if array.shape != shapes[name]:
        raise MalformedFileError(
            f"{path}: {name} has shape {array.shape}, the parameter {shapes[name]}"
        )
    return array.astype(np.bool_, copy=False)
