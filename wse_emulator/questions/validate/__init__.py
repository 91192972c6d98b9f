"""The machine held against published measurements."""

from wse_emulator.questions.validate.measurements import Measurement, read_measurements
from wse_emulator.questions.validate.report import (
    ComparedRecord,
    Summary,
    ValidationReport,
    report_document,
    validate,
)

__all__ = [
    "ComparedRecord",
    "Measurement",
    "Summary",
    "ValidationReport",
    "read_measurements",
    "report_document",
    "validate",
]
