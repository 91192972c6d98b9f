"""Published figures: the file format, and reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Final

from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate.modelled import NotModelledError
from wse_emulator.text_file import json_of, text_of

RecordParameter = bool | int | float | str

KINDS: Final = ("hardware", "simulator", "compile_report", "vendor_setting")
"""Where a figure comes from: silicon, the vendor's simulator, the vendor's compiler, or a
configuration that the vendor publishes."""

BOUNDS: Final = ("lower", "upper")

MOST: Final = 10**9
"""No count of a record is larger."""

LARGEST: Final = 1e30
"""No value is larger, and none smaller than the inverse."""

FILES: Final = ("measurements.json", "measurements_kernels.json")
"""The package's own records."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One published figure.

    Attributes:
        id: name of the record.
        machine: preset name of the generation (``wse2``).
        kind: one of ``KINDS``.
        operation: what was measured; see ``operations.OPERATIONS``.
        parameters: of the operation.
        metric: what the value counts: ``cycles``, ``cycles_per_token``, ``seconds``, ...
        value: the published number, above 0.
        unit: of the value.
        source, note: where it stands, and what to know about it.
        bound: ``lower`` where the true value is at least this, ``upper`` where it is at most
            this, or empty.
        contested: why the record should not count, or empty.
        same_as: id of a record that holds the same figure, or empty.

    Raises:
        MalformedFileError: a field has the wrong type, or a value that none of its kind has.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> read_measurements()[0].number("pes")
        512
    """

    id: str
    machine: str
    kind: str
    operation: str
    parameters: Mapping[str, RecordParameter]
    metric: str
    value: float
    unit: str
    source: str
    note: str
    bound: str = ""
    contested: str = ""
    same_as: str = ""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            given = getattr(self, name)
            if not isinstance(given, str):
                raise self._malformed(f"{name} has to be a text, got {given!r}")
            if not given and name in _NEEDED:
                raise self._malformed(f"{name} is empty; it has to be a text")
        parameters: object = self.parameters
        if not isinstance(parameters, Mapping):
            raise self._malformed(f"parameters has to be an object, got {parameters!r}")
        number: object = self.value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self._malformed(f"value has to be a number above 0, got {number!r}")
        if not 1 / LARGEST <= number <= LARGEST:
            raise self._malformed(
                f"value has to be a number above 0, from {1 / LARGEST:g} to {LARGEST:g}, "
                f"got {number!r}"
            )
        if self.kind not in KINDS:
            raise self._malformed(f"kind has to be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.bound and self.bound not in BOUNDS:
            raise self._malformed(f"bound has to be lower or upper, got {self.bound!r}")

    def _malformed(self, what: str) -> MalformedFileError:
        return MalformedFileError(f"record {self.id!r}: {what}")

    def number(self, name: str, default: int | None = None) -> int:
        """A whole, positive parameter.

        Raises:
            MalformedFileError: it is missing, or no whole number from 1 to ``MOST``.
        """
        value = self.parameters.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            raise MalformedFileError(
                f"record {self.id} ({self.operation}): parameter {name} has to be a whole number "
                f"from 1 to {MOST:,}, " + _got(value)
            )
        return value

    def word(self, name: str, default: str | None = None) -> str:
        """A text parameter.

        Raises:
            MalformedFileError: it is missing, or no text.
        """
        value = self.parameters.get(name, default)
        if not isinstance(value, str):
            raise MalformedFileError(
                f"record {self.id} ({self.operation}): parameter {name} has to be a text, "
                + _got(value)
            )
        return value

    def one_of(self, name: str, *known: str, default: str | None = None) -> str:
        """A text parameter that is one of the words that are modelled.

        Raises:
            MalformedFileError: it is missing, or no text.
            NotModelledError: another word.
        """
        value = self.word(name, default)
        if value not in known:
            raise NotModelledError(f"{name} {value!r} is not modelled; one of {', '.join(known)}")
        return value

    def flag(self, name: str) -> bool:
        """A true-or-false parameter; false if it is not given.

        Raises:
            MalformedFileError: it is neither.
        """
        value = self.parameters.get(name, False)
        if not isinstance(value, bool):
            raise MalformedFileError(
                f"record {self.id} ({self.operation}): parameter {name} has to be true or false, "
                + _got(value)
            )
        return value


_TEXTS: Final = tuple(f.name for f in fields(Measurement) if f.name not in ("parameters", "value"))
_NEEDED: Final = frozenset({"id", "machine", "operation", "metric", "unit"})
_DEFAULTS: Final = {"kind": "hardware", "source": "", "note": ""}


def _got(value: object) -> str:
    return "and is missing" if value is None else f"got {value!r}"


def read_measurements(path: Path | None = None) -> tuple[Measurement, ...]:
    """The records of a measurements file; of those in the package for None.

    Raises:
        MalformedFileError: the file is missing, no JSON, or a record lacks a field or has one
            that is impossible; the message names file, record and field.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> len(read_measurements())
        204
    """
    if path is None:
        texts = {name: files(__package__).joinpath(name).read_text("utf-8") for name in FILES}
        return tuple(record for name, text in texts.items() for record in _records(text, name))
    where = f"measurements file {path}"
    try:
        text = text_of(path, "a list of records")
    except OSError as error:
        raise MalformedFileError(
            f"cannot read {where}: {error.strerror or error}; name a JSON file of records"
        ) from error
    except ValueError as error:
        raise MalformedFileError(f"{where} is {error}") from error
    return tuple(_records(text, where))


def _records(text: str, where: str) -> Iterator[Measurement]:
    try:
        document = json_of(text, finite=False)
    except ValueError as error:
        raise MalformedFileError(f"{where} is no JSON: {error}") from error
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise MalformedFileError(
            f"{where} has no list named records; docs/machine.md of the sources "
            "says what a record holds"
        )
    for number, record in enumerate(records):
        yield _record(record, number, where)


def _record(record: object, number: int, where: str) -> Measurement:
    if not isinstance(record, dict):
        raise MalformedFileError(f"{where}: record {number} is no object")
    values = _DEFAULTS | {f.name: record[f.name] for f in fields(Measurement) if f.name in record}
    for name in ("id", "machine", "operation", "parameters", "metric", "value", "unit"):
        if name not in values:
            called = f"record {values.get('id', number)!r}"
            raise MalformedFileError(f"{where}: {called} lacks {name}")
    try:
        return Measurement(**values)
    except MalformedFileError as error:
        raise MalformedFileError(f"{where}: {error}") from error
