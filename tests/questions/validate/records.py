"""Records that no publication holds, for tests of what is made of their parameters."""

from __future__ import annotations

from collections.abc import Mapping

from wse_emulator.questions.validate import Measurement
from wse_emulator.questions.validate.measurements import RecordParameter


def own_record(
    operation: str,
    parameters: Mapping[str, RecordParameter],
    *,
    machine: str = "wse3",
    kind: str = "simulator",
    metric: str = "cycles",
    value: float = 1000,
) -> Measurement:
    """A record called ``mine``."""
    return Measurement(
        id="mine",
        machine=machine,
        kind=kind,
        operation=operation,
        parameters=parameters,
        metric=metric,
        value=value,
        unit="cycles",
        source="",
        note="",
    )
