"""The errors of the machine model as the package keeps them, computed from its records.

``python -m tests.questions.validate.class_errors`` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path

from wse_emulator.questions.validate import accuracy, read_measurements, validate


def class_errors() -> dict[str, object]:
    """The document of ``class_errors.json``: operation -> largest error, as a fraction."""
    records = [one for one in read_measurements() if one.operation in accuracy.CLASSES]
    summary = validate(records).summary(consistency=False)
    return {
        "schema": "largest_errors: operation -> largest error over the records, as a fraction",
        "largest_errors": {name: one.max_abs_error for name, one in sorted(summary.items())},
    }


if __name__ == "__main__":
    text = json.dumps(class_errors(), indent=1) + "\n"
    Path(accuracy.__file__).with_name(accuracy.CLASS_ERRORS_FILE).write_text(text)
