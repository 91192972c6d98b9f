"""Published figures: the file format, and reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from wse_emulator.errors import MalformedFileError
from wse_emulator.questions.validate.modelled import NotModelledError
from wse_emulator.text_file import json_of, text_of

RecordParameter = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One published figure.

    Attributes:
        id: name of the record.
        machine: preset name of the generation (``wse2``).
        kind: ``hardware`` or ``simulator`` (the vendor's).
        operation: what was measured; see ``operations.OPERATIONS``.
        parameters: of the operation.
        metric: ``cycles``, ``cycles_beyond_zero_hops`` or ``seconds``.
        value: the published number, above 0.
        unit: of the value.
        source, note: where it stands, and what to know about it.
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

    def number(self, name: str, default: int | None = None) -> int:
        """A whole, positive parameter.

        Raises:
            MalformedFileError: it is missing, or no whole number above 0.
        """
        value = self.parameters.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise MalformedFileError(
                f"record {self.id} ({self.operation}): parameter {name} has to be a whole number "
                f"above 0, got {value!r}"
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
                f"got {value!r}"
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
                f"got {value!r}"
            )
        return value


def read_measurements(path: Path | None = None) -> tuple[Measurement, ...]:
    """The records of a measurements file; of the one in the package for None.

    Raises:
        MalformedFileError: the file is missing, no JSON, or a record lacks a field.
    """
    where = "the package's measurements" if path is None else f"measurements file {path}"
    try:
        if path is None:
            text = files(__package__).joinpath("measurements.json").read_text(encoding="utf-8")
        else:
            text = text_of(path, "a list of records")
        document = json_of(text)
    except OSError as error:
        raise MalformedFileError(
            f"cannot read {where}: {error.strerror or error}; name a JSON file of records"
        ) from error
    except ValueError as error:
        raise MalformedFileError(f"{where} is no JSON: {error}") from error
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise MalformedFileError(
            f"{where} has no list named records; docs/machine.md of the sources "
            "says what a record holds"
        )
    return tuple(_record(record, number, where) for number, record in enumerate(records))


def _record(record: object, number: int, where: str) -> Measurement:
    if not isinstance(record, dict):
        raise MalformedFileError(f"{where}: record {number} is no object")
    called = f"{where}: record {record.get('id', number)!r}"
    texts = {}
    for name in ("id", "machine", "operation", "metric", "unit"):
        text = record.get(name)
        if not isinstance(text, str) or not text:
            raise MalformedFileError(f"{called} lacks {name}, which has to be a text")
        texts[name] = text
    for name, default in (("kind", "hardware"), ("source", ""), ("note", "")):
        texts[name] = str(record.get(name, default))
    parameters = record.get("parameters")
    if not isinstance(parameters, dict):
        raise MalformedFileError(f"{called} lacks parameters, which has to be an object")
    value = record.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
        raise MalformedFileError(f"{called}: value has to be a number above 0, got {value!r}")
    return Measurement(parameters=parameters, value=value, **texts)
