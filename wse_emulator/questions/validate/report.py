"""Published against modelled: the records, their errors, and a summary per operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wse_emulator.errors import InputError, MalformedFileError, WseError
from wse_emulator.questions.validate.lookup import machine_of, operation_of
from wse_emulator.questions.validate.measurements import Measurement, read_measurements
from wse_emulator.questions.validate.modelled import NotModelledError
from wse_emulator.results.answer import Answer
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.registry import calibrated
from wse_emulator.wafer.spec import WaferSpec

SCHEMA: Final = "wse-validate/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRecord:
    """One record with what the machine makes of it.

    Attributes:
        record: the published figure.
        machine: preset it was modelled on.
        modelled: in the record's unit.
        bound: by the published formula, in the record's unit; None where it says nothing.
        assumptions: what the record leaves open.
        consistency: why agreement proves little, or empty: the machine's parameters come from
            the same source.
    """

    record: Measurement
    machine: str
    modelled: float
    bound: float | None
    assumptions: tuple[str, ...]
    consistency: str

    @property
    def error(self) -> float:
        """Modelled less published, as a fraction of the published value."""
        return (self.modelled - self.record.value) / self.record.value

    @property
    def beyond_line(self) -> bool:
        """Whether the error exceeds what its operation is meant to stay within."""
        return abs(self.error) > (operation_of(self.record).group.mean_line or 1)


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of a set of records, as fractions."""

    count: int
    mean_abs_error: float
    max_abs_error: float


@dataclass(frozen=True, slots=True, repr=False)
class ValidationReport(Answer):
    """All comparisons, and the records that are not modelled with the reason.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> report = wse_emulator.validate(read_measurements()[:3])
        >>> max(one.mean_abs_error for one in report.summary().values()) < 0.25
        True
    """

    comparisons: tuple[ComparedRecord, ...]
    not_modelled: tuple[tuple[Measurement, str], ...]

    def document(self, *, bounds: bool = True) -> dict[str, object]:
        """The JSON document (schema ``wse-validate/1``); errors are fractions.

        Args:
            bounds: add the published formula's value to each record that it covers.
        """
        return report_document(self, bounds=bounds)

    def summary(self, *, consistency: bool | None = None) -> dict[str, Summary]:
        """Errors per operation; of consistency records only, of others only, or of all."""
        chosen = [
            c for c in self.comparisons if consistency is None or bool(c.consistency) == consistency
        ]
        operations = dict.fromkeys(c.record.operation for c in chosen)
        return {
            name: summarise(c for c in chosen if c.record.operation == name) for name in operations
        }


def summarise(comparisons: Iterable[ComparedRecord]) -> Summary:
    """Mean and largest error without sign."""
    errors = [abs(comparison.error) for comparison in comparisons]
    return Summary(len(errors), sum(errors) / len(errors), max(errors))


def validate(
    data: str | Path | Sequence[Measurement] | None = None,
    *,
    tell: Tell | None = None,
) -> ValidationReport:
    """Hold the machine model against published figures, record by record.

    Args:
        data: a file of measurements (JSON), or records; default: those that come with the package.
        tell: called with the name of each record as it begins.

    Raises:
        UnknownNameError: a record names a machine that does not exist.
        MalformedFileError: the file cannot be read, or a record lacks a parameter, or has an
            impossible one.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> report = wse_emulator.validate(read_measurements()[:1])
        >>> [round(comparison.error, 3) for comparison in report.comparisons]
        [-0.007]
    """
    if data is None or isinstance(data, str | Path):
        records: Sequence[Measurement] = read_measurements(None if data is None else Path(data))
        return compare_records(records, tell or silent)
    given = list(data) if isinstance(data, Iterable) else [data]
    found = [one for one in given if isinstance(one, Measurement)]
    if len(found) < len(given):
        raise InputError("data is no list of measurements; name a file, or give Measurement values")
    return compare_records(found, tell or silent)


def compare_records(records: Sequence[Measurement], tell: Tell = silent) -> ValidationReport:
    """Model every record on its machine.

    Args:
        tell: called with the name of each record as it begins; does nothing by default.

    Raises:
        UnknownNameError: a record names a machine that does not exist.
        MalformedFileError: a record lacks a parameter, or has an impossible one.
    """
    comparisons = []
    left_out = []
    for record in records:
        tell(record.id)
        try:
            comparisons.append(_compare(record))
        except NotModelledError as reason:
            left_out.append((record, str(reason)))
    return ValidationReport(tuple(comparisons), tuple(left_out))


def _compare(record: Measurement) -> ComparedRecord:
    operation, spec = operation_of(record), machine_of(record)
    try:
        modelled = operation.model(record, spec)
        bound = operation.bound(record, spec) if operation.bound else None
    except MalformedFileError:
        raise
    except WseError as error:
        raise MalformedFileError(f"record {record.id} ({record.operation}): {error}") from error
    return ComparedRecord(
        record=record,
        machine=spec.name,
        modelled=_in_unit(float(modelled.cycles), record, spec),
        bound=None if bound is None else _in_unit(bound, record, spec),
        assumptions=modelled.assumptions,
        consistency=calibrated(spec.name).get(record.operation, ""),
    )


def _in_unit(cycles: float, record: Measurement, spec: WaferSpec) -> float:
    match record.metric:
        case "cycles" | "cycles_beyond_zero_hops":
            return cycles
        case "seconds":
            return float(cycles / spec.clock_hz)
    raise MalformedFileError(
        f"record {record.id} ({record.operation}): metric {record.metric!r} is not modelled; "
        "one of cycles, cycles_beyond_zero_hops, seconds"
    )


def report_document(report: ValidationReport, *, bounds: bool = False) -> dict[str, object]:
    """The report as JSON holds it, schema ``wse-validate/1``; errors are fractions.

    Args:
        report: the comparisons.
        bounds: add the published formula's value to each record it covers.
    """
    records = []
    for comparison in report.comparisons:
        record = comparison.record
        entry: dict[str, object] = {
            "id": record.id,
            "operation": record.operation,
            "published": record.value,
            "modelled": comparison.modelled,
            "error": comparison.error,
            "unit": record.unit,
            "source": record.source,
            "machine": comparison.machine,
            "kind": record.kind,
            "consistency": comparison.consistency,
            "assumptions": list(comparison.assumptions),
        }
        if bounds:
            entry["bound"] = comparison.bound
        records.append(entry)
    return {
        "schema": SCHEMA,
        "records": records,
        "summary": _summary_document(report.summary()),
        "scores": {
            "validation": _summary_document(report.summary(consistency=False)),
            "consistency": _summary_document(report.summary(consistency=True)),
        },
        "not_modelled": [
            {"id": record.id, "operation": record.operation, "reason": reason}
            for record, reason in report.not_modelled
        ],
    }


def _summary_document(summary: dict[str, Summary]) -> dict[str, object]:
    return {
        name: {
            "count": one.count,
            "mean_abs_error": one.mean_abs_error,
            "max_abs_error": one.max_abs_error,
        }
        for name, one in summary.items()
    }
