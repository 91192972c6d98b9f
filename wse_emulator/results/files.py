"""A RunResult on disk: ``run.json`` for facts, ``run.npz`` beside it for arrays.

Both are byte for byte the same for the same result. Reading gives the value back, or one plain
line on what is wrong with the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np

from wse_emulator.errors import ResultFileError
from wse_emulator.results.codec import decode, decode_fields, encode
from wse_emulator.results.folder import write_files
from wse_emulator.results.run import RUN_SCHEMA, RunArrays, RunResult
from wse_emulator.results.sound import faults
from wse_emulator.text_file import json_of, text_of

RUN_JSON: Final = "run.json"
RUN_ARRAYS: Final = "run.npz"
MOST_RESULT_BYTES: Final = 2**30
_NAME_LIST: Final = "op_names"  # thousands of names, few kinds: kept as a list and an index
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest a zip file can say


def run_document(result: RunResult) -> dict[str, object]:
    """The JSON document of a run (schema "wse-run/1"), without its arrays.

    A model that does not fit has ``fits: false`` and ``steps: []``. Units are in the keys:
    cycles, seconds, bytes; regions are [row, col, rows, cols].
    """
    document: dict[str, object] = {"schema": RUN_SCHEMA}
    for field in dataclasses.fields(result):
        if field.name not in ("arrays", _NAME_LIST):
            document[field.name] = encode(getattr(result, field.name))
    document["op_kinds"] = sorted(set(result.op_names))
    return document


def run_files(result: RunResult) -> dict[str, bytes]:
    """Names and contents of the two files; ``run.json`` last, since it names the other."""
    kinds = sorted(set(result.op_names))
    position = {name: index for index, name in enumerate(kinds)}
    arrays = {
        field.name: np.asarray(getattr(result.arrays, field.name))
        for field in dataclasses.fields(RunArrays)
    }
    arrays["op_kind"] = np.array([position[name] for name in result.op_names], dtype=np.int64)
    packed = _pack(arrays)
    document = run_document(result)
    document["arrays"] = {"file": RUN_ARRAYS, "sha256": hashlib.sha256(packed).hexdigest()}
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    return {RUN_ARRAYS: packed, RUN_JSON: text.encode()}


def write_run(result: RunResult, folder: Path, *, force: bool = False) -> list[Path]:
    """Write ``run.npz`` and ``run.json`` into ``folder``; the folder is made if need be.

    Raises:
        OutputError: the folder cannot be written, or a file is there and ``force`` is not given;
            then nothing is written.
    """
    return write_files(folder, run_files(result), force=force)


def read_run(path: str | Path) -> RunResult:
    """Read a result from its folder or its ``run.json``.

    Raises:
        ResultFileError: the file is missing, truncated, of another schema, or no result at all;
            or its arrays are missing or belong to another run.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = wse_emulator.fit(torch.nn.Linear(64, 64), wafer="wse2:8x8").save(folder)
        ...     wse_emulator.read_run(folder).model.parameters
        4160
    """
    if not isinstance(path, str | PathLike):
        raise ResultFileError(f"the result is {path!r}; name the folder of a result")
    path = result_file(Path(path))
    document = read_document(path)
    check_run_document(path, document)
    kinds = decode(tuple[str, ...], document.get("op_kinds", []), f"{path}: op_kinds")
    arrays, op_kind = _read_arrays(path, document)
    if op_kind.size and not 0 <= op_kind.min() <= op_kind.max() < len(kinds):
        raise ResultFileError(f"{path} names {len(kinds)} kinds of op, {RUN_ARRAYS} has others")
    document[_NAME_LIST] = [kinds[index] for index in op_kind.tolist()]
    # arrays are no JSON: decode all other fields, then put them in place
    result = decode_fields(RunResult, document, str(path), given={"arrays": arrays})
    _check_shapes(path, result)
    fault = next(faults(result), None)
    if fault is not None:
        raise ResultFileError(
            f"{path} does not hang together: {fault}; it was changed, run again to make it"
        )
    return result


def result_file(path: Path) -> Path:
    """The ``run.json`` that a folder or its ``run.json`` names."""
    return path / RUN_JSON if path.is_dir() else path


def read_document(path: Path) -> dict[str, object]:
    """The JSON object in ``path``.

    Raises:
        ResultFileError: no such file, or not a JSON object.
    """
    try:
        document = json_of(text_of(path, "a result", MOST_RESULT_BYTES))
    except OSError as error:
        raise ResultFileError(
            f"cannot read {path}: {error.strerror or error}; name a folder that wse run --out "
            "wrote, or the run.json in it"
        ) from error
    except ValueError as error:
        raise ResultFileError(
            f"{path} is not a whole JSON file ({error}); run again to make it"
        ) from error
    if not isinstance(document, dict):
        raise ResultFileError(f"{path} is JSON, but no result: it holds no object")
    return document


def check_run_document(path: Path, document: dict[str, object]) -> None:
    """See that a document read from ``path`` is the result of a run, of this schema.

    Raises:
        ResultFileError: it is something else, or of an older or newer schema.
    """
    schema = document.get("schema")
    if schema != RUN_SCHEMA:
        raise ResultFileError(_schema_message(path, schema))


def _schema_message(path: Path, schema: object) -> str:
    if not isinstance(schema, str):
        return f"{path} is JSON, but no result: it names no schema (expected {RUN_SCHEMA!r})"
    if schema.startswith("wse-run/"):
        return (
            f"{path} has schema {schema!r} and this version reads {RUN_SCHEMA!r}; read it with "
            "the version that wrote it, or run again"
        )
    return f"{path} has schema {schema!r}, not {RUN_SCHEMA!r}; name the result of a wse run"


def _pack(arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, _narrow(array), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    return buffer.getvalue()


def _narrow(
    array: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Whole numbers in 32 bits where they fit; readers get 64 bits back."""
    limits = np.iinfo(np.int32)
    fits = array.dtype == np.int64 and (
        array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max)
    )
    narrow = array.astype(np.int32) if fits else array
    return np.ascontiguousarray(narrow)


def _read_arrays(
    path: Path, document: dict[str, object]
) -> tuple[RunArrays, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    source = path.parent / RUN_ARRAYS
    note = document.get("arrays")
    if not isinstance(note, dict):
        raise ResultFileError(
            f"{path} has no arrays beside it (it was written by --json); pictures need the "
            "folder that --out writes"
        )
    try:
        packed = source.read_bytes()
    except OSError as error:
        raise ResultFileError(
            f"cannot read {source}: {error.strerror or error}; it belongs beside {path.name}"
        ) from error
    if hashlib.sha256(packed).hexdigest() != note.get("sha256"):
        raise ResultFileError(
            f"{source} is damaged or belongs to another run than {path.name}; run again"
        )
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
            loaded = {name: np.asarray(archive[name]) for name in archive.files}
        return _arrays(loaded), loaded["op_kind"].astype(np.int64)
    except Exception as error:  # zip, zlib and NumPy have a dozen for such a file
        raise ResultFileError(
            f"{source} does not hold the arrays of a run ({error}); run again"
        ) from error


def _arrays(loaded: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> RunArrays:
    values: dict[str, object] = {}
    for field in dataclasses.fields(RunArrays):
        if field.name not in loaded and field.default_factory is not dataclasses.MISSING:
            continue  # written by a version that did not have it yet
        array = loaded[field.name]
        if field.name == "bin_cycles":
            values[field.name] = int(array.item())
        elif np.issubdtype(array.dtype, np.integer):
            values[field.name] = array.astype(np.int64)
        else:
            values[field.name] = array.astype(np.float64)
    return RunArrays(**values)  # type: ignore[arg-type]  # names and types just checked


def _check_shapes(path: Path, result: RunResult) -> None:
    shape = (result.wafer.rows, result.wafer.cols)
    for name in ("pe_busy", "sram_peak"):
        found = getattr(result.arrays, name).shape
        if found != shape:
            raise ResultFileError(
                f"{path} is a wafer of {shape[0]} x {shape[1]} PEs (rows x columns), its array "
                f"{name} is of shape {found}; run again to make it"
            )
