"""The machine held against published measurements."""

from wse_emulator.questions.validate.measurements import Measurement, read_measurements
from wse_emulator.questions.validate.report import (
    ComparedRecord,
    Summary,
    ValidationReport,
    compare_records,
    report_document,
    validate,
)

__all__ = [
    "ComparedRecord",
    "Measurement",
    "Summary",
    "ValidationReport",
    "compare_records",
    "read_measurements",
    "report_document",
    "validate",
]
