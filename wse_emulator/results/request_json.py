"""A Request as JSON, and back: every result file holds the question that it answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, get_args

from wse_emulator.errors import ResultFileError, WseError
from wse_emulator.request import (
    LossScaling,
    Mode,
    OptimizerChoice,
    ParameterGroup,
    Phases,
    Precision,
    Request,
)
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.machine_file import machine_document, machine_from_fields
from wse_emulator.wafer.parse import parse_wafer, typed_wafer
from wse_emulator.wafer.spec import WaferSpec

Json = dict[str, object]

_NONE: Final = type(None)
_KINDS: Final = {
    "model": (str,),
    "config": (str, _NONE),
    "engine": (str,),
    "masks": (str, _NONE),
    "sparsity": (int, float),
    "max_grad_norm": (int, float, _NONE),
    "recompute": (int, str, _NONE),
    **dict.fromkeys(("batch_size", "sequence", "target", "micro_batch", "steps"), (int, _NONE)),
}
"""Which types of Python the plain values of a request have."""

_PLAIN: Final = ("model", "config", "phases", "mode", "engine", "batch_size", "sequence", "target")
_PLAIN_TOO: Final = ("micro_batch", "recompute", "sparsity", "masks", "max_grad_norm", "steps")


def request_document(request: Request) -> Json:
    """The JSON object of a request; :func:`read_request` gives an equal one back.

    A machine is the text that names it with its changed fields, or, where a file or Python made
    it, all its fields. ``objects`` names what was given as a Python object, of which the name
    alone is here.
    """
    return {
        **{name: getattr(request, name) for name in _PLAIN},
        **{name: getattr(request, name) for name in _PLAIN_TOO},
        "optimizer": {
            "name": request.optimizer.name,
            "lr": request.optimizer.lr,
            "options": _plain(request.optimizer.options),
            "groups": [_fields(group) for group in request.optimizer.groups],
            "source": request.optimizer.source,
        },
        "schedules": [_fields(section) for section in request.schedules],
        "precision": _fields(request.precision),
        "loss_scaling": None if request.loss_scaling is None else _fields(request.loss_scaling),
        "wafer": _machine(request.wafer),
        "objects": list(request.objects),
    }


def _fields(value: object) -> Json:
    assert dataclasses.is_dataclass(value)
    return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}


def _plain(value: object) -> object:
    """Plain values as JSON has them; anything else in words."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _machine(spec: WaferSpec) -> Json:
    typed = typed_wafer(spec)
    if typed is None or ".json" in typed[0]:
        return {"name": spec.name, "machine": machine_document(spec)}
    return {"name": spec.name, "typed": typed[0], "set": list(typed[1])}


def read_request(document: object, where: str) -> Request:
    """The request that a JSON object holds.

    Args:
        document: parsed JSON.
        where: what messages call its place.

    Raises:
        ResultFileError: it is no request; the message says where and what to do.
    """
    try:
        return _request(_object(document))
    except (WseError, KeyError, TypeError, ValueError) as error:
        raise ResultFileError(
            f"{where} does not hold a question that can be asked again ({error}); run again to "
            "make it"
        ) from error


def _request(found: Json) -> Request:
    from schedulers.sections import ScheduleSection  # noqa: PLC0415 - its package loads torch

    def section(value: object) -> ScheduleSection:
        entry = _object(value)
        return ScheduleSection(
            scheduler=str(entry["scheduler"]),
            arguments=tuple((str(name), given) for name, given in _list(entry["arguments"])),
            parts=tuple(section(part) for part in _list(entry["parts"])),
            milestones=tuple(_list(entry["milestones"])),
            length=entry["length"],  # type: ignore[arg-type]  # checked when it is built
            param_group_tags=tuple(_list(entry["param_group_tags"])),
            unused=tuple(_list(entry["unused"])),
        )

    optimizer, scaling = _object(found["optimizer"]), found["loss_scaling"]
    plain = {name: found[name] for name in (*_PLAIN, *_PLAIN_TOO)}
    for name, kinds in _KINDS.items():
        if type(plain[name]) not in kinds:
            raise TypeError(f"{name} is {plain[name]!r:.40}")
    if plain["mode"] not in get_args(Mode) or plain["phases"] not in get_args(Phases):
        raise ValueError(f"mode {plain['mode']!r}, phases {plain['phases']!r}")
    return Request(
        **plain,  # type: ignore[arg-type]  # counts and fractions are checked by the value itself
        optimizer=OptimizerChoice(
            name=str(optimizer["name"]),
            lr=optimizer["lr"],  # type: ignore[arg-type]  # checked when it is built
            options=_options(optimizer["options"]),
            groups=tuple(
                ParameterGroup(
                    patterns=tuple(_list(group["patterns"])),
                    tag=None if group["tag"] is None else str(group["tag"]),
                    arguments=_options(group["arguments"]),
                )
                for group in map(_object, _list(optimizer["groups"]))
            ),
            source=str(optimizer["source"]),
        ),
        schedules=tuple(section(entry) for entry in _list(found["schedules"])),
        precision=_precision(_object(found["precision"])),
        loss_scaling=None if scaling is None else LossScaling(**_object(scaling)),  # type: ignore[arg-type]
        wafer=_wafer(_object(found["wafer"])),
        objects=tuple(_list(found["objects"])),
    )


def _precision(found: Json) -> Precision:
    for part, dtype in found.items():
        if part != "name" and dtype is not None and dtype not in BYTES:
            raise ValueError(f"{part} has dtype {dtype!r:.40}")
    return Precision(**found)  # type: ignore[arg-type]  # texts, as was just seen


def _wafer(found: Json) -> WaferSpec:
    if "machine" not in found:
        return parse_wafer(str(found["typed"]), [str(text) for text in _list(found["set"])])
    given = {key: value for key, value in _object(found["machine"]).items() if key != "schema"}
    return machine_from_fields(given, None, default_name=str(found["name"]))


def _options(found: object) -> Json:
    """Constructor arguments: what JSON has as a list was a tuple."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in _object(found).items()
    }


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.40} is no object")
    return value


def _list(value: object) -> list:  # type: ignore[type-arg]  # of JSON values
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} is no list")
    return value


_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": ["integer", "null"]}

REQUEST_SCHEMA: Final[Json] = {
    "type": "object",
    "properties": {
        "model": _TEXT,
        "config": {"type": ["string", "null"]},
        "optimizer": {"type": "object", "properties": {"name": _TEXT}},
        "schedules": {"type": "array"},
        "phases": {"enum": list(get_args(Phases))},
        "mode": {"enum": list(get_args(Mode))},
        "engine": _TEXT,
        "precision": {"type": "object", "properties": {"name": _TEXT}},
        "batch_size": _COUNT,
        "sequence": _COUNT,
        "target": _COUNT,
        "micro_batch": _COUNT,
        "recompute": {"anyOf": [{"const": "full"}, _COUNT]},
        "sparsity": {"type": "number"},
        "masks": {"type": ["string", "null"]},
        "max_grad_norm": {"type": ["number", "null"]},
        "loss_scaling": {"type": ["object", "null"]},
        "wafer": {"type": "object", "properties": {"name": _TEXT}},
        "steps": _COUNT,
        "objects": {"type": "array", "items": _TEXT},
    },
    "required": ["model", "optimizer", "wafer"],
}
"""The JSON Schema of :func:`request_document`."""
