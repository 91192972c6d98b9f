"""The validation report as JSON, schema ``wse-validate/2``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wse_emulator.questions.validate.measurements import Measurement
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS

if TYPE_CHECKING:
    from wse_emulator.questions.validate.report import (
        ComparedRecord,
        GroupSummary,
        Summary,
        ValidationReport,
    )

SCHEMA: Final = "wse-validate/2"


def report_document(report: ValidationReport, *, bounds: bool = False) -> dict[str, object]:
    """The report as JSON holds it; errors are fractions.

    Args:
        report: the comparisons.
        bounds: add the published formula's value to each record it covers.
    """
    records = [_compared(one, bounds=bounds) for one in report.comparisons]
    records += [_without(one, "not_modelled", why) for one, why in report.not_modelled]
    why = left_out_reason(report)
    records += [_without(one, "left_out", why) for one in report.left_out]
    return {
        "schema": SCHEMA,
        "group": report.grouping,
        "records": records,
        "groups": [_group(one) for one in report.groups()],
        "summary": _summaries(report.summary(by=report.grouping)),
        "scores": {
            "validation": _summaries(report.summary(consistency=False, by=report.grouping)),
            "consistency": _summaries(report.summary(consistency=True, by=report.grouping)),
        },
        "null_models": [
            {
                "group": one.group,
                "operation": one.operation,
                "size": one.size_words,
                "constant": one.constant,
                "slope": one.slope,
                "count": one.count,
            }
            for one in report.null_models
        ],
        "coefficients": list(KERNEL_FIELDS),
        "not_modelled": [
            {"id": record.id, "operation": record.operation, "reason": reason}
            for record, reason in report.not_modelled
        ],
    }


def left_out_reason(report: ValidationReport) -> str:
    """Why records were left out, and how to ask for them."""
    if report.grouping == "training":
        return "no whole training step; wse validate without --group training compares it"
    return "a whole training step; wse validate --group training asks for it"


def _facts(record: Measurement) -> dict[str, object]:
    return {
        "id": record.id,
        "operation": record.operation,
        "kind": record.kind,
        "metric": record.metric,
        "unit": record.unit,
        "published": record.value,
        "published_is_bound": record.bound,
        "source": record.source,
        "contested": record.contested,
        "same_as": record.same_as,
    }


def _compared(one: ComparedRecord, *, bounds: bool) -> dict[str, object]:
    entry = _facts(one.record) | {
        "machine": one.machine,
        "group": one.group.name,
        "modelled": one.modelled,
        "error": one.error,
        "null_model": one.null_value,
        "null_error": one.null_error,
        "standing": one.standing,
        "reason": "",
        "consistency": one.consistency,
        "calibrates": list(one.calibrates),
        "assumptions": list(one.assumptions),
    }
    return entry | {"bound": one.bound} if bounds else entry


def _without(record: Measurement, standing: str, reason: str) -> dict[str, object]:
    return _facts(record) | {
        "machine": record.machine,
        "group": None,
        "modelled": None,
        "error": None,
        "standing": standing,
        "reason": reason,
    }


def _group(one: GroupSummary) -> dict[str, object]:
    return {
        "group": one.group.name,
        "mean_line": one.group.mean_line,
        "largest_line": one.group.largest_line,
        "within": one.within,
        "scored": None if one.whole is None else _summary(one.whole),
        "operations": _summaries(one.operations),
    }


def _summaries(summaries: dict[str, Summary]) -> dict[str, object]:
    return {name: _summary(one) for name, one in summaries.items()}


def _summary(one: Summary) -> dict[str, object]:
    return {
        "count": one.count,
        "mean_abs_error": one.mean_abs_error,
        "max_abs_error": one.max_abs_error,
        "null_count": one.null_count,
        "null_mean_abs_error": one.null_mean_abs_error,
        "null_max_abs_error": one.null_max_abs_error,
    }
