"""``wse validate``: every record modelled on its machine, from its parameters alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from wse_emulator.errors import InputError, MalformedFileError, WseError
from wse_emulator.questions.validate.calibration import coefficients_from
from wse_emulator.questions.validate.lookup import group_of, machine_of, operation_of
from wse_emulator.questions.validate.measurements import Measurement, read_measurements
from wse_emulator.questions.validate.modelled import NotModelledError
from wse_emulator.questions.validate.null_model import NullModel, line_through
from wse_emulator.questions.validate.operation import Operation
from wse_emulator.questions.validate.report import (
    SUMMED_BY,
    ComparedRecord,
    Grouping,
    ValidationReport,
)
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer import WSE2
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.registry import calibrated
from wse_emulator.wafer.spec import WaferSpec

WHOLE_STEPS: Final = ("train_step", "evaluate_step", "micro_batch_fits")
"""Operations that are whole steps of a model, which ``--group training`` asks for."""

METRICS: Final = (
    "cycles",
    "cycles_per_token",
    "cycles_per_sample",
    "cycles_per_element",
    "cycles_per_iteration",
    "cycles_per_hop",
    "cycles_beyond_zero_hops",
    "elements_per_cycle",
    "largest_n",
    "seconds",
    "samples_per_second",
    "samples",
)
"""What the value of a record may count."""


def validate(
    data: str | Path | Sequence[Measurement] | None = None,
    *,
    group: Grouping = "operation",
    set: Settings = (),
    tell: Tell | None = None,
) -> ValidationReport:
    """Hold the machine model against published figures, record by record.

    Args:
        data: a file of measurements (JSON), or records; default: those that come with the package.
        group: by what errors are summed up: ``operation``, ``machine`` or ``kind``. ``training``
            compares whole training steps, which are left out otherwise.
        set: figures to change in every machine that a record is compared with, as
            ``{"launch_cycles": 2}``: how much worse is the agreement without what they stand for?
        tell: called with the name of each record as it begins.

    Returns:
        Every record with its modelled value, or with the reason why it is not modelled: an
        operation, algorithm, kernel or format without a mechanism, or a machine without a preset.

    Raises:
        MalformedFileError: the file cannot be read; or a record lacks a field, or a parameter
            that its operation needs, or has an impossible one.
        InputError: ``group`` is none of these.
        WaferSpecError: a setting names no field, or an impossible value.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> report = wse_emulator.validate(read_measurements()[:1])
        >>> [round(comparison.error, 3) for comparison in report.comparisons]
        [-0.007]
    """
    if group not in SUMMED_BY:
        raise InputError(f"group {group!r} is unknown; one of {', '.join(SUMMED_BY)}")
    if data is None or isinstance(data, str | Path):
        records: Sequence[Measurement] = read_measurements(None if data is None else Path(data))
        return compare_records(records, tell or silent, group=group, set=set)
    given = list(data) if isinstance(data, Iterable) else [data]
    found = [one for one in given if isinstance(one, Measurement)]
    if len(found) < len(given):
        raise InputError("data is no list of measurements; name a file, or give Measurement values")
    return compare_records(found, tell or silent, group=group, set=set)


def compare_records(
    records: Sequence[Measurement],
    tell: Tell = silent,
    *,
    group: Grouping = "operation",
    set: Settings = (),
) -> ValidationReport:
    """Model every record on its machine.

    Args:
        records: what to compare.
        tell: called with the name of each record as it begins; does nothing by default.
        group, set: as in :func:`validate`.

    Raises:
        MalformedFileError: a record lacks a parameter, or has an impossible one.
        WaferSpecError: a setting names no field, or an impossible value.
    """
    machine_given(WSE2, set)  # a wrong setting is no fault of a record
    compared: list[_Compared] = []
    not_modelled = []
    left_out = []
    for record in records:
        tell(record.id)
        if (record.operation in WHOLE_STEPS) != (group == "training"):
            left_out.append(record)
            continue
        try:
            compared.append(_compare(record, set))
        except NotModelledError as reason:
            not_modelled.append((record, str(reason)))
    repeated = _repeated([one.result.record for one in compared])
    marked = [
        replace(one, result=replace(one.result, repeats=number in repeated))
        for number, one in enumerate(compared)
    ]
    comparisons, null_models = _with_null_models(marked)
    return ValidationReport(
        tuple(comparisons), tuple(not_modelled), tuple(left_out), tuple(null_models), group
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """A comparison, and the operation that made it."""

    result: ComparedRecord
    operation: Operation


def _compare(record: Measurement, settings: Settings) -> _Compared:
    operation, spec = operation_of(record), machine_given(machine_of(record), settings)
    _check_metric(record, operation)
    try:
        modelled = operation.model(record, spec)
        bound = operation.bound(record, spec) if operation.bound else None
        size = operation.null_size.of(record) if operation.null_size else None
    except MalformedFileError:
        raise
    except WseError as error:
        raise MalformedFileError(f"record {record.id} ({record.operation}): {error}") from error
    result = ComparedRecord(
        record=record,
        machine=spec.name,
        group=group_of(record, operation),
        modelled=_in_unit(float(modelled.cycles), record, spec),
        bound=None if bound is None else _in_unit(bound, record, spec),
        assumptions=modelled.assumptions,
        consistency=calibrated(spec.name).get(record.operation, ""),
        calibrates=coefficients_from(record.id),
        null_size=size,
    )
    return _Compared(result, operation)


def _check_metric(record: Measurement, operation: Operation) -> None:
    """Refuse a metric or unit that does not exist, and say where the operation has no such."""
    called = f"record {record.id} ({record.operation})"
    if record.metric not in METRICS:
        raise MalformedFileError(
            f"{called}: metric {record.metric!r} is unknown; one of {', '.join(METRICS)}"
        )
    in_seconds = record.metric == "seconds"
    if in_seconds != (record.unit == "s"):
        raise MalformedFileError(
            f"{called}: unit {record.unit!r} does not go with metric {record.metric}; "
            + ("give s" if in_seconds else "s goes with seconds")
        )
    if record.metric not in operation.metrics:
        raise NotModelledError(
            f"metric {record.metric} is not modelled; one of {', '.join(operation.metrics)}"
        )


def _in_unit(cycles: float, record: Measurement, spec: WaferSpec) -> float:
    return float(cycles / spec.clock_hz) if record.metric == "seconds" else cycles


def _repeated(records: Sequence[Measurement]) -> set[int]:
    """Places of the records whose figure another record holds, which counts in their stead."""
    places = {record.id: place for place, record in enumerate(records)}
    repeated = set()
    for place in range(len(records)):
        chain = [place]
        while (named := places.get(records[chain[-1]].same_as)) is not None:
            if named in chain:  # records that name one another: the first of the ring counts
                break
            chain.append(named)
        counts = chain[-1] if named is None else min(chain[chain.index(named) :])
        if counts != place:
            repeated.add(place)
    return repeated


def _with_null_models(
    compared: Sequence[_Compared],
) -> tuple[list[ComparedRecord], list[NullModel]]:
    """The comparisons with what a line through the scored records of their operation says."""
    results = [one.result for one in compared]
    alike: dict[tuple[str, str, str, str], list[int]] = {}
    for place, one in enumerate(compared):
        record, null_size = one.result.record, one.operation.null_size
        if one.result.standing == "scored" and null_size and not record.bound:
            key = (one.result.group.name, record.operation, null_size.words, record.metric)
            alike.setdefault(key, []).append(place)
    models = []
    for (group, operation, words, _), places in alike.items():
        sizes = [size for place in places if (size := results[place].null_size) is not None]
        values = [results[place].record.value for place in places]
        line = line_through(sizes, values)
        if line is None:
            continue
        model = NullModel(group, operation, words, *line, len(values))
        models.append(model)
        for place, size in zip(places, sizes, strict=True):
            results[place] = replace(results[place], null_value=model.value(size))
    return results, models
