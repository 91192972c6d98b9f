"""Published against modelled: the records, their errors, and summaries of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from wse_emulator.questions.validate.document import report_document
from wse_emulator.questions.validate.groups import GROUPS, OperationGroup
from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.questions.validate.null_model import NullModel
from wse_emulator.results.answer import Answer

Grouping = Literal["operation", "machine", "kind", "training"]
"""By what errors are summed up; ``training`` compares whole training steps, by operation."""

Standing = Literal["scored", "consistency", "calibrates", "contested", "repeats"]
"""Whether a compared record counts, and why not: its machine took its rates from the same source
(``consistency``: scored apart); it gave a coefficient; it is in doubt; its figure is that of
another record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRecord:
    """One record with what the machine makes of it.

    Attributes:
        record: the published figure.
        machine: preset it was modelled on.
        group: it is scored in this group.
        modelled: in the record's unit.
        bound: by the published formula, in the record's unit; None where it says nothing.
        assumptions: what the record leaves open.
        consistency: why agreement proves little, or empty: the machine's parameters come from
            the same source.
        calibrates: the coefficients that this record gave.
        repeats: another record that is compared holds the same figure.
        null_size: its size in the null model of its operation; None where there is none.
        null_value: what the null model says of it, in the record's unit.
    """

    record: Measurement
    machine: str
    group: OperationGroup
    modelled: float
    bound: float | None
    assumptions: tuple[str, ...]
    consistency: str
    calibrates: tuple[str, ...] = ()
    repeats: bool = False
    null_size: float | None = None
    null_value: float | None = None

    @property
    def error(self) -> float:
        """Modelled less published, as a fraction of the published value.

        A record that is a bound is only missed on its wrong side.
        """
        return self._error_of(self.modelled)

    @property
    def null_error(self) -> float | None:
        """The error of the null model; None where there is none."""
        return None if self.null_value is None else self._error_of(self.null_value)

    def _error_of(self, value: float) -> float:
        error = (value - self.record.value) / self.record.value
        match self.record.bound:
            case "lower":
                return min(error, 0.0)
            case "upper":
                return max(error, 0.0)
        return error

    @property
    def standing(self) -> Standing:
        """Whether the record counts, and why not."""
        if self.record.contested:
            return "contested"
        if self.repeats:
            return "repeats"
        if self.calibrates:
            return "calibrates"
        return "consistency" if self.consistency else "scored"

    @property
    def beyond_line(self) -> bool:
        """Whether a scored record's error exceeds the largest that its group is meant to have."""
        line = self.group.largest_line or self.group.mean_line
        return self.standing == "scored" and line is not None and abs(self.error) > line


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of a set of records, as fractions.

    Attributes:
        count: number of records.
        mean_abs_error, max_abs_error: of the machine.
        null_count: how many of them have a null model.
        null_mean_abs_error, null_max_abs_error: of the null models; None without one.
    """

    count: int
    mean_abs_error: float
    max_abs_error: float
    null_count: int = 0
    null_mean_abs_error: float | None = None
    null_max_abs_error: float | None = None

    @property
    def null_is_nearer(self) -> bool:
        """Whether two fitted numbers have a smaller mean error on the same records."""
        return (
            self.null_mean_abs_error is not None
            and self.null_count == self.count
            and self.null_mean_abs_error < self.mean_abs_error
        )


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """Errors of a group on its scored records, whole and by operation.

    Attributes:
        group: with its lines.
        whole: over all operations of the group; None where no record is scored.
        operations: operation -> its own summary.
    """

    group: OperationGroup
    whole: Summary | None
    operations: dict[str, Summary]

    @property
    def within(self) -> bool | None:
        """Whether both lines are kept; None without lines or scored records."""
        if self.whole is None or self.group.mean_line is None:
            return None
        largest = self.group.largest_line
        return self.whole.mean_abs_error <= self.group.mean_line and (
            largest is None or self.whole.max_abs_error <= largest
        )


SUMMED_BY: Final[dict[str, Callable[[ComparedRecord], str]]] = {
    "operation": lambda one: one.record.operation,
    "training": lambda one: one.record.operation,
    "machine": lambda one: one.machine,
    "kind": lambda one: one.record.kind,
}


@dataclass(frozen=True, slots=True, repr=False)
class ValidationReport(Answer):
    """All comparisons, and the records that are not modelled with the reason.

    Attributes:
        comparisons: the records that are modelled, in the order of the file.
        not_modelled: those that have no mechanism, with the reason.
        left_out: those that were not asked for (whole training steps, or all others).
        null_models: the lines that were fitted.
        grouping: by what the command sums errors up.

    Example:
        >>> from wse_emulator.questions.validate import read_measurements
        >>> report = wse_emulator.validate(read_measurements()[:3])
        >>> max(one.mean_abs_error for one in report.summary().values()) < 0.25
        True
    """

    comparisons: tuple[ComparedRecord, ...]
    not_modelled: tuple[tuple[Measurement, str], ...]
    left_out: tuple[Measurement, ...] = ()
    null_models: tuple[NullModel, ...] = ()
    grouping: Grouping = "operation"

    def document(self, *, bounds: bool = True) -> dict[str, object]:
        """The JSON document (schema ``wse-validate/2``); errors are fractions.

        Args:
            bounds: add the published formula's value to each record that it covers.
        """
        return report_document(self, bounds=bounds)

    def summary(
        self, *, consistency: bool | None = None, by: Grouping = "operation"
    ) -> dict[str, Summary]:
        """Errors per operation, machine or kind, over the records that count.

        Args:
            consistency: of consistency records only (True), of scored ones only (False), or of
                both (None).
            by: what is summed up together.
        """
        wanted = {None: ("scored", "consistency"), True: ("consistency",), False: ("scored",)}
        chosen = [one for one in self.comparisons if one.standing in wanted[consistency]]
        key = SUMMED_BY[by]
        names = dict.fromkeys(map(key, chosen))
        return {name: summarise([c for c in chosen if key(c) == name]) for name in names}

    def groups(self) -> tuple[GroupSummary, ...]:
        """Errors per group of operations, on the scored records, with the lines of the group."""
        found = []
        for group in sorted({one.group for one in self.comparisons}, key=GROUPS.index):
            mine = [c for c in self.comparisons if c.group == group and c.standing == "scored"]
            operations = dict.fromkeys(c.record.operation for c in mine)
            parts = {
                name: summarise([c for c in mine if c.record.operation == name])
                for name in operations
            }
            found.append(GroupSummary(group, summarise(mine) if mine else None, parts))
        return tuple(found)


def summarise(comparisons: Iterable[ComparedRecord]) -> Summary:
    """Mean and largest error without sign, of the machine and of the null models."""
    chosen = tuple(comparisons)
    errors = [abs(one.error) for one in chosen]
    nulls = [abs(one.null_error) for one in chosen if one.null_error is not None]
    return Summary(
        len(errors),
        sum(errors) / len(errors),
        max(errors),
        len(nulls),
        sum(nulls) / len(nulls) if nulls else None,
        max(nulls, default=None),
    )
