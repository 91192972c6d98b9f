"""Machines that users describe: JSON machine files and ``FIELD=VALUE`` settings.

A machine file is an object with ``schema`` ("wse-machine/1"), an optional ``base`` (a preset whose
fields hold where the file says nothing), and any field of :class:`WaferSpec` by its own name.
Fractions are numbers or texts ("9/8", "1.125"); ``lanes`` is ``{op class: {format: rate}}``, where
a rate may be ``[rate, launch cycles]``; ``library`` is ``{function: {format: cycles}}``, where a
cost may be ``{"cycles", "low", "high", "evidence", "source"}``; ``kernels`` is
``{coefficient: cycles}``, and ``sources`` is ``{field: text}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from wse_emulator.errors import MalformedFileError, UnknownNameError, WaferSpecError, near
from wse_emulator.text_file import json_of, text_of
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS, PUBLISHED, KernelCycles
from wse_emulator.wafer.lanes import LaneRate
from wse_emulator.wafer.library import EVIDENCE, SDK_LIBRARY, LibraryCall
from wse_emulator.wafer.presets import PRESETS
from wse_emulator.wafer.spec import WORDS, WaferSpec

MACHINE_SCHEMA: Final = "wse-machine/1"
_FRACTIONS = frozenset({"cycles_per_wavelet", "bank_conflict_factor"})
_TEXTS = _FRACTIONS | WORDS.keys() | {"name"}
_TABLES = frozenset({"lanes", "library", "kernels", "sources", "unsourced"})
FIELDS: Final = tuple(f.name for f in fields(WaferSpec) if f.name != "typed")
"""Names of all fields of a machine, in the order in which they are documented."""

_REPLACED: Final[Mapping[str, str]] = {
    "scalar_divide_cycles": "library.division.float32",
    "scalar_function_cycles": "library.sqrt.float32, library.exp.float32 and so on",
    "scalar_function_low_cycles": "the low of each function of the table library",
    "scalar_function_high_cycles": "the high of each function of the table library",
    "short_functions": "functions (library or vector)",
}
"""Fields of earlier versions -> what says it now."""


def _unknown_field(name: str) -> WaferSpecError:
    if name in _REPLACED:
        return WaferSpecError(f"{name} is no field any more; {_REPLACED[name]} replaced it")
    return WaferSpecError(
        f"no machine field named {name!r}{near(name, FIELDS)}; wse wafers wse2 lists them"
    )


def preset(name: str) -> WaferSpec:
    """Find a preset by name; case, ``-`` and ``_`` do not matter.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    plain = name.strip().lower().replace("_", "-")
    for key in (plain, plain.replace("wse-", "wse", 1)):
        if key in PRESETS:
            return PRESETS[key]
    raise UnknownNameError(
        f"no wafer named {name!r}{near(plain, PRESETS)}; there are {', '.join(PRESETS)}; "
        "name a preset, or a machine file ending in .json"
    )


def read_machine(path: Path) -> WaferSpec:
    """Read the machine that a file describes.

    Raises:
        MalformedFileError: the file is missing, no JSON object, or of another schema.
        WaferSpecError: a field is unknown or impossible; the message names file and field.
    """
    try:
        document = json_of(text_of(path, "a machine"), finite=False)
    except OSError as error:
        raise MalformedFileError(
            f"cannot read machine file {path}: {error.strerror or error}; name a JSON file"
        ) from error
    except ValueError as error:
        raise MalformedFileError(f"machine file {path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedFileError(f"machine file {path} holds no JSON object of fields")
    schema = document.pop("schema", MACHINE_SCHEMA)
    if schema != MACHINE_SCHEMA:
        raise MalformedFileError(
            f"machine file {path} has schema {schema!r}; this version reads {MACHINE_SCHEMA!r}"
        )
    base = document.pop("base", None)
    try:
        return machine_from_fields(document, _base(base), default_name=path.stem)
    except WaferSpecError as error:
        raise WaferSpecError(f"machine file {path}: {error}") from error


def _base(name: object) -> WaferSpec | None:
    if name is None:
        return None
    if not isinstance(name, str):
        raise WaferSpecError(f"base has to be the name of a preset, got {name!r}")
    return preset(name)


def machine_from_fields(
    given: Mapping[str, object], base: WaferSpec | None, *, default_name: str
) -> WaferSpec:
    """Make a machine from field values as JSON holds them; ``base`` has the fields not given.

    Raises:
        WaferSpecError: a field is unknown, missing or impossible; the message names it.
    """
    values: dict[str, object] = {"name": default_name}
    for name, value in given.items():
        if name not in FIELDS:
            raise _unknown_field(name)
        values[name] = _field_value(name, value, base)
    if base is None:
        missing = [name for name in ("rows", "cols", "clock_hz") if name not in values]
        if missing:
            raise WaferSpecError(
                f"{', '.join(missing)} missing; give them, or a preset as base to start from"
            )
    stated = values.pop("sources", {})
    assert isinstance(stated, dict)
    assumed = values.pop("unsourced", frozenset())
    assert isinstance(assumed, frozenset)
    sources = dict(base.sources) if base else {}
    if base is None:
        for name in FIELDS:
            sources.setdefault(name, "default of the emulator, as on wse2")
    for name in set(values) - {"name"}:
        sources[name] = f"set by the user in {default_name}"
    sources.update(stated)
    sources.pop("name", None)
    unsourced = (base.unsourced - set(values) if base else frozenset()) | assumed
    extra = {"sources": _figures_only(sources), "unsourced": unsourced}
    if base is None:
        return WaferSpec(**values, **extra)  # type: ignore[arg-type]  # checked by the value itself
    return replace(base, **values, **extra)  # type: ignore[arg-type]  # checked by the value itself


def _figures_only(sources: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in sources.items() if name in _FIGURES}


_FIGURES = frozenset(FIELDS) - {"name", "sources", "unsourced"}


def _field_value(name: str, value: object, base: WaferSpec | None) -> object:
    if name in _FRACTIONS:
        return _fraction(name, value)
    readers: dict[str, Callable[[object, WaferSpec | None], object]] = {
        "lanes": _lanes,
        "library": _library,
        "kernels": _kernels,
    }
    if name in readers:
        return readers[name](value, base)
    if name == "sources":
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise WaferSpecError("sources has to be an object of field names and texts")
        return value
    if name == "unsourced":
        if not isinstance(value, list) or not all(v in FIELDS for v in value):
            raise WaferSpecError("unsourced has to be a list of field names")
        return frozenset(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 8.75e8 is how people write a clock
    return value


# at most 18 digits and 2 of exponent: longer numbers would be computed for minutes, not refused
_NUMBER = re.compile(
    r"[+-]?\d{1,18}(?:\.\d{0,18})?(?:e[+-]?\d{1,2})?"  # 16, 1.125, 8.75e8
    r"|[+-]?\d{1,18}/0{0,9}[1-9]\d{0,17}",  # 9/8
    re.ASCII | re.IGNORECASE,
)


def _fraction(name: str, value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WaferSpecError(f"{name} has to be a number or a text such as '9/8', got {value!r}")
    text = str(value).replace("_", "")
    if not _NUMBER.fullmatch(text):
        raise WaferSpecError(f"{name} = {value!r:.40} is no number; write 9/8 or 1.125")
    return Fraction(text)


def _lanes(value: object, base: WaferSpec | None) -> tuple[LaneRate, ...]:
    """The lane rates of a file; rates that it does not name are those of its base."""
    if not isinstance(value, dict):
        raise WaferSpecError("lanes has to be {op class: {format: elements a cycle}}")
    table = {(r.op_class, r.dtype): r for r in (base.lanes if base else ())}
    for op_class, row in value.items():
        if not isinstance(row, dict):
            raise WaferSpecError(f"lanes.{op_class} has to be {{format: elements a cycle}}")
        for dtype, entry in row.items():
            pair = isinstance(entry, list) and len(entry) == 2
            rate, launch = entry if pair else (entry, None)
            speed = _fraction(f"lanes.{op_class}.{dtype}", rate)
            table[op_class, dtype] = LaneRate(op_class, dtype, speed, launch)
    return tuple(table.values())


def _library(value: object, base: WaferSpec | None) -> tuple[LibraryCall, ...]:
    """The costs of a file; those that it does not name are those of its base."""
    if not isinstance(value, dict):
        raise WaferSpecError("library has to be {function: {format: cycles}}")
    table = {(c.function, c.dtype): c for c in (base.library if base else SDK_LIBRARY)}
    for function, row in value.items():
        if not isinstance(row, dict):
            raise WaferSpecError(f"library.{function} has to be {{format: cycles}}")
        for dtype, entry in row.items():
            table[function, dtype] = _library_call(function, dtype, entry)
    return tuple(table.values())


def _library_call(function: str, dtype: str, entry: object) -> LibraryCall:
    """A cost with all that is said of it; of plain cycles, which a user knows, no interval."""
    where = f"library.{function}.{dtype}"
    given = entry if isinstance(entry, dict) else {"cycles": entry}
    unknown = [key for key in given if key not in _CALL_KEYS]
    if unknown or "cycles" not in given:
        raise WaferSpecError(f"{where} has to be cycles, or an object of {', '.join(_CALL_KEYS)}")
    cycles = _whole(where, given["cycles"])
    source = given.get("source", "set by the user")
    named = given.get("evidence", "evidence")
    evidence = next((known for known in EVIDENCE if known == named), None)
    if not isinstance(source, str) or evidence is None:
        raise WaferSpecError(
            f"{where}: source has to be a text, and evidence one of {', '.join(EVIDENCE)}"
        )
    return LibraryCall(
        function,
        dtype,
        cycles,
        _whole(f"{where}.low", given.get("low", cycles)),
        _whole(f"{where}.high", given.get("high", cycles)),
        evidence,
        source,
    )


_CALL_KEYS: Final = ("cycles", "low", "high", "evidence", "source")


def _whole(name: str, value: object) -> int:
    number = _fraction(name, value)
    if number.denominator != 1:
        raise WaferSpecError(f"{name} = {value} has to be a whole number")
    return int(number)


def _kernels(value: object, base: WaferSpec | None) -> KernelCycles:
    """The coefficients of a file; those that it does not name are those of its base."""
    if not isinstance(value, dict):
        raise WaferSpecError("kernels has to be {coefficient: cycles}")
    given: dict[str, Fraction] = {}
    for name, cycles in value.items():
        if name not in KERNEL_FIELDS:
            raise WaferSpecError(
                f"no coefficient named kernels.{name}{near(name, KERNEL_FIELDS)}; wse wafers wse2 "
                "lists them"
            )
        given[name] = _fraction(f"kernels.{name}", cycles)
    return replace(base.kernels if base else PUBLISHED, **given)


def with_settings(spec: WaferSpec, settings: Sequence[str]) -> WaferSpec:
    """Apply ``FIELD=VALUE`` settings to a machine, as ``--set`` gives them.

    A lane rate is set as ``lanes.fma.float32=1/2``, a call of the library as
    ``library.exp.float32=82``, a coefficient as ``kernels.star_start=93``.

    Raises:
        WaferSpecError: a setting has no ``=``, an unknown field, or an impossible value.
    """
    given: dict[str, object] = {}
    tables: dict[str, dict[str, dict[str, object]]] = {"lanes": {}, "library": {}}
    kernels: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name, text = name.strip(), text.strip()
        if not equals:
            raise WaferSpecError(f"{setting!r} is no setting; write FIELD=VALUE, as hop_cycles=2")
        table, dot, _ = name.partition(".")
        if dot and table in tables:
            parts = name.split(".")
            if len(parts) != 3:
                raise WaferSpecError(f"{name}: write {_AS_IN[table]}")
            tables[table].setdefault(parts[1], {})[parts[2]] = text
        elif name.startswith("kernels."):
            kernels[name.removeprefix("kernels.")] = text
        elif name in _TABLES:
            raise WaferSpecError(f"{name} cannot be set in one line; write a machine file")
        else:
            given[name] = text if name in _TEXTS else _integer(name, text)
    given.update({table: rows for table, rows in tables.items() if rows})
    if kernels:
        given["kernels"] = kernels
    if not given:
        return spec
    return machine_from_fields(given, spec, default_name=spec.name)


_AS_IN: Final[Mapping[str, str]] = {
    "lanes": "lanes.CLASS.FORMAT, as lanes.fma.float32",
    "library": "library.FUNCTION.FORMAT, as library.exp.float32",
}


def _integer(name: str, text: str) -> int:
    if name not in FIELDS:
        raise _unknown_field(name)
    return _whole(name, text)


def machine_document(spec: WaferSpec) -> dict[str, object]:
    """The machine as a JSON object that :func:`read_machine` reads back to an equal value."""
    document: dict[str, object] = {"schema": MACHINE_SCHEMA}
    for name in FIELDS:
        if name not in _TABLES:
            value = getattr(spec, name)
            document[name] = str(value) if isinstance(value, Fraction) else value
    lanes: dict[str, dict[str, object]] = {}
    for rate in spec.lanes:
        speed = str(rate.elements_per_cycle)
        entry = speed if rate.launch_cycles is None else [speed, rate.launch_cycles]
        lanes.setdefault(rate.op_class, {})[rate.dtype] = entry
    document["lanes"] = lanes
    library: dict[str, dict[str, object]] = {}
    for call in spec.library:
        library.setdefault(call.function, {})[call.dtype] = {
            "cycles": call.cycles,
            "low": call.low_cycles,
            "high": call.high_cycles,
            "evidence": call.evidence,
            "source": call.source,
        }
    document["library"] = library
    document["kernels"] = {name: str(getattr(spec.kernels, name)) for name in KERNEL_FIELDS}
    document["sources"] = dict(spec.sources)
    document["unsourced"] = sorted(spec.unsourced)
    return document
