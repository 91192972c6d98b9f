"""The JSON Schema of ``run.json``, from the types of its value.

``python -m tests.results.schema`` writes the file that the package publishes.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path

import wse_emulator.results.files
from wse_emulator.request import Request
from wse_emulator.results.request_json import REQUEST_SCHEMA
from wse_emulator.results.run import RUN_SCHEMA, RunResult

HELD_BY_ARRAYS = ("arrays", "op_names")
"""Fields that ``run.npz`` holds."""


def run_schema() -> dict[str, object]:
    """The JSON Schema of ``run.json``, from the types of :class:`RunResult`."""
    schema = json_schema(RunResult)
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    for name in HELD_BY_ARRAYS:
        del properties[name]
        required.remove(name)
    strings = {"type": "array", "items": {"type": "string"}}
    arrays = {"type": "object", "properties": {"file": {"type": "string"}}}
    added = {"schema": {"const": RUN_SCHEMA}, "op_kinds": strings, "arrays": arrays}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": RUN_SCHEMA}
    return {
        **head,
        "type": "object",
        "properties": {**added, **properties},
        "required": ["schema", "op_kinds", *required],
    }


def json_schema(kind: object) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of ``kind``, from the types of its fields."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return dict(REQUEST_SCHEMA) if kind is Request else _object_schema(kind)
    if origin is types.UnionType:
        return {"anyOf": [json_schema(a) for a in arguments]}
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": json_schema(arguments[0])}
    if origin is tuple:
        length = len(arguments)
        items = [json_schema(a) for a in arguments]
        return {"type": "array", "prefixItems": items, "minItems": length, "maxItems": length}
    if origin is dict:
        return {"type": "object", "additionalProperties": json_schema(arguments[1])}
    plain = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
    return {"type": plain[kind]} if isinstance(kind, type) and kind in plain else {}


def _object_schema(kind: type) -> dict[str, object]:
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    required = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    properties = {name: json_schema(hints[name]) for name in names}
    return {"type": "object", "properties": properties, "required": required}


if __name__ == "__main__":
    published = Path(wse_emulator.results.files.__file__).parent / "schemas" / "run-1.json"
    published.write_text(json.dumps(run_schema(), indent=2) + "\n")
