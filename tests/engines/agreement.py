"""What it means that two machines agree."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from tests.engines.drawn import OPS, Case
from tests.engines.stepper import Stepper
from wse_emulator.engines.array.engine import simulate_array
from wse_emulator.engines.pe.machine import simulate_pe
from wse_emulator.engines.timing import Timing

OWN = ("events", "passes")
"""Fields that say how an engine worked, not what happened on the machine."""


def both(case: Case) -> tuple[Timing, Timing]:
    """(array, pe) timings of a case."""
    return (
        simulate_array(
            case.spec, case.activities, resident_bytes=case.resident_bytes, op_count=OPS
        ),
        simulate_pe(case.spec, case.activities, resident_bytes=case.resident_bytes, op_count=OPS),
    )


def differences(one: Timing, other: Timing) -> list[str]:
    """Names of the fields in which two timings differ."""
    return [
        field.name
        for field in fields(Timing)
        if field.name not in OWN
        and not np.array_equal(getattr(one, field.name), getattr(other, field.name))
    ]


def stepped(case: Case) -> Timing:
    """The timing of the cycle-by-cycle machine."""
    stepper = Stepper(case.spec, case.activities, OPS)
    return Timing(
        elapsed_cycles=len(stepper.busy_pes),
        activity_start=stepper.activity_start,
        activity_end=stepper.activity_end,
        op_start=stepper.op_start,
        op_end=stepper.op_end,
        pe_busy=stepper.pe_busy,
        pe_final=stepper.pe_final,
        link_busy=stepper.link_busy,
        sram_peak=stepper.sram_peak + case.resident_bytes,
        busy_pes=np.array(stepper.busy_pes, np.int64),
        busy_links=np.array(stepper.busy_links, np.int64),
        temporary_bytes=np.array(stepper.temporary_bytes, np.int64),
        events=0,
        passes=0,
    )
