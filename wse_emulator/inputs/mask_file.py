"""Sparsity masks: an ``.npz`` file with one boolean array a sparse parameter."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.errors import MalformedFileError, near
from wse_emulator.models.shapes import ModelShapes

_MOST_HEADER_BYTES: Final = 2**16

Masks = Mapping[str, NDArray[np.bool_]]
"""Parameter name -> which of its elements are kept, in its shape."""


def read_masks(path: Path, model: ModelShapes) -> Masks:
    """The masks of a model; parameters without one are dense.

    Raises:
        MalformedFileError: no such file or not of this kind, an array that is not boolean, a
            name that is no parameter, or another shape than the parameter's.
    """
    shapes = {parameter.name: parameter.shape for parameter in model.parameters}
    try:
        masks = _masks(path, shapes)
    except MalformedFileError:
        raise
    except OSError as error:
        raise MalformedFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise MalformedFileError(
            f"{path}: its masks do not fit in this machine's memory"
        ) from error
    except Exception as error:  # zip, the compressions and NumPy have a dozen for a damaged file
        raise MalformedFileError(f"{path}: is no .npz of boolean arrays") from error
    if not masks:
        raise MalformedFileError(f"{path}: holds no masks")
    return masks


def _masks(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.bool_]]:
    """Every array of the file, read only once its header has promised what a mask is."""
    masks: dict[str, NDArray[np.bool_]] = {}
    with path.open("rb") as stream:
        if stream.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            raise MalformedFileError(f"{path}: one array, not an .npz of arrays by name")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name not in shapes:
                raise MalformedFileError(
                    f"{path}: {name!r} is no parameter of the model{near(name, shapes)}"
                )
            with archive.open(entry) as member:
                begin = _check_header(member, name, shapes[name], path)
            if entry.file_size != begin + prod(shapes[name]):
                raise MalformedFileError(
                    f"{path}: {name} should have {prod(shapes[name]):,} values of a byte, the file "
                    f"has {entry.file_size - begin:,}"
                )
            with archive.open(entry) as member:
                masks[name] = np.lib.format.read_array(member, allow_pickle=False)
    return masks


def _check_header(member: IO[bytes], name: str, shape: tuple[int, ...], path: Path) -> int:
    """See that an array is the mask of a parameter; returns where its values begin."""
    header = io.BytesIO(member.read(_MOST_HEADER_BYTES))
    first = np.lib.format.read_magic(header) == (1, 0)
    formats = np.lib.format
    read = formats.read_array_header_1_0 if first else formats.read_array_header_2_0
    found, _, dtype = read(header)
    if dtype.hasobject:
        raise ValueError("pickled objects")
    if dtype != np.bool_:
        raise MalformedFileError(f"{path}: {name} is {dtype}; a mask is boolean, True is kept")
    if found != shape:
        raise MalformedFileError(f"{path}: {name} has shape {found}, the parameter {shape}")
    return header.tell()
