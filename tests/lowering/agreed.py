"""A step on both engines, which have to agree with each other and with the plan."""

from __future__ import annotations

import numpy as np

from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.program import StepProgram
from wse_emulator.wafer import WSE2


def agreed(program: StepProgram, rows: int, cols: int) -> EmulatedStep:
    """The step on the array engine; the other takes the same cycles, and both the plan's bytes."""
    array, pe = (emulate_step(program, WSE2.scaled(rows, cols), e) for e in ("array", "pe"))
    assert array.timing is not None
    assert pe.timing is not None
    assert digest(array.timing) == digest(pe.timing)
    for step in (array, pe):
        assert step.timing is not None
        assert np.array_equal(step.timing.sram_peak, step.plan.memory.peak_bytes)
    return array
