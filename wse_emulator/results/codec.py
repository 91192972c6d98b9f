"""Values to JSON and back, driven by the dataclasses themselves.

A result's dataclasses are its schema: :func:`encode` writes their fields, :func:`decode` reads
them with every type checked. Keys that a reader does not know are passed over, so that a file may
carry more than an older reader expects.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import TypeVar, cast

from wse_emulator.errors import ResultFileError
from wse_emulator.request import Request
from wse_emulator.results.request_json import read_request, request_document

Value = TypeVar("Value")


def encode(value: object) -> object:
    """A dataclass, tuple, mapping or plain value as JSON types.

    Raises:
        TypeError: a value of another type; a defect of the caller.
    """
    if isinstance(value, Request):
        return request_document(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, float):
        # JSON has no infinities; a result that holds one says so in words
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def decode(kind: type[Value], document: object, where: str) -> Value:
    """Read ``document`` (parsed JSON) as the type ``kind``.

    Args:
        where: what messages call this place, for example ``run.json``.

    Raises:
        ResultFileError: a key is missing or a value is of another type; names the place.
    """
    return cast("Value", _decode(kind, document, where))


def _decode(kind: object, document: object, where: str) -> object:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_fields(kind, document, where, {})
    if origin is types.UnionType:
        if document is None and type(None) in arguments:
            return None
        return _decode(next(a for a in arguments if a is not type(None)), document, where)
    if origin is tuple:
        return _decode_tuple(arguments, document, where)
    if origin is dict:
        if not isinstance(document, dict):
            raise _mismatch(where, "an object", document)
        return {key: _decode(arguments[1], v, f"{where}.{key}") for key, v in document.items()}
    return _decode_plain(kind, document, where)


def decode_fields(
    kind: type[Value], document: object, where: str, given: Mapping[str, object] | None = None
) -> Value:
    """Read ``document`` as the dataclass ``kind``; fields in ``given`` are taken from there.

    Raises:
        ResultFileError: as :func:`decode`.
    """
    return cast("Value", _decode_fields(kind, document, where, given or {}))


def _decode_fields(kind: type, document: object, where: str, given: Mapping[str, object]) -> object:
    if kind is Request:
        return read_request(document, where)
    if not isinstance(document, dict):
        raise _mismatch(where, "an object", document)
    hints = typing.get_type_hints(kind)
    values = dict(given)
    for field in dataclasses.fields(kind):
        if field.name in given:
            continue
        if field.name in document:
            place = f"{where}: {field.name}" if ":" not in where else f"{where}.{field.name}"
            values[field.name] = _decode(hints[field.name], document[field.name], place)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ResultFileError(f"{where} lacks the key {field.name!r}; run again to make it")
    return kind(**values)


def _decode_tuple(arguments: tuple[object, ...], document: object, where: str) -> object:
    if not isinstance(document, list):
        raise _mismatch(where, "a list", document)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_decode(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(document))
    if len(document) != len(arguments):
        raise _mismatch(where, f"{len(arguments)} values", f"{len(document)} of them")
    pairs = zip(arguments, document, strict=True)
    return tuple(_decode(kind, v, f"{where}[{i}]") for i, (kind, v) in enumerate(pairs))


def _decode_plain(kind: object, document: object, where: str) -> object:
    if kind is object:
        return document
    if kind is float and document in ("inf", "-inf", "nan"):
        return float(str(document))
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    # bool is an int to Python, not to a reader of the file
    if isinstance(kind, type) and type(document) is kind:
        return document
    raise _mismatch(where, _NAMES.get(kind, str(kind)), document)


def _mismatch(where: str, expected: str, found: object) -> ResultFileError:
    shown = repr(found)
    if len(shown) > 40:
        shown = f"{shown[:37]}..."
    return ResultFileError(f"{where} should be {expected}, found {shown}; run again to make it")


_NAMES: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "a string",
    bool: "true or false",
}
