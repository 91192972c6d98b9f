"""All records of the package, compared once for all tests, and what the models read of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from wse_emulator.questions.validate import (
    Measurement,
    ValidationReport,
    read_measurements,
    validate,
)
from wse_emulator.questions.validate.measurements import RecordParameter


class ReadParameters(dict[str, RecordParameter]):
    """Parameters that note which of them were asked for."""

    def __init__(self, values: dict[str, RecordParameter]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> RecordParameter:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.read.add(name)
        return super().get(name, default)  # type: ignore[arg-type]

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)


@cache
def whole_report() -> ValidationReport:
    """The report of ``wse validate``; the parameters of its records know what was read."""
    records = read_measurements()
    return validate([replace(r, parameters=ReadParameters(dict(r.parameters))) for r in records])


def kernel_of(record: Measurement) -> tuple[str, str, str]:
    """Operation, algorithm or kernel, and kind of program: what one model stands for."""
    parameters = dict(record.parameters)
    kernel = parameters.get("algorithm", parameters.get("kernel", ""))
    return record.operation, str(kernel), str(parameters.get("op", ""))


@cache
def smallest_of_each_kernel() -> tuple[Measurement, ...]:
    """A record for each kernel that is modelled: of those of one kernel, the smallest value."""
    found: dict[tuple[str, str, str], Measurement] = {}
    for one in whole_report().comparisons:
        other = found.setdefault(kernel_of(one.record), one.record)
        if one.record.value < other.value:
            found[kernel_of(one.record)] = one.record
    return tuple(found.values())
