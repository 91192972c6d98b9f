"""The machine held against published measurements."""

from wse_emulator.questions.validate.compare import compare_records, validate
from wse_emulator.questions.validate.document import report_document
from wse_emulator.questions.validate.measurements import Measurement, read_measurements
from wse_emulator.questions.validate.report import (
    ComparedRecord,
    GroupSummary,
    Summary,
    ValidationReport,
)

__all__ = [
    "ComparedRecord",
    "GroupSummary",
    "Measurement",
    "Summary",
    "ValidationReport",
    "compare_records",
    "read_measurements",
    "report_document",
    "validate",
]
