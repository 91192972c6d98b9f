"""The pipeline in one function: a captured step, placed, planned, lowered and simulated."""

from __future__ import annotations

import time
from dataclasses import dataclass

from wse_emulator.engines import simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered, lower
from wse_emulator.placement.values import Placement
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.plan.step import StepPlan
from wse_emulator.program import StepProgram
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, eq=False)
class EmulatedStep:
    """Every stage's value for one step.

    Attributes:
        program: what was captured.
        placement: where it lies.
        plan: bytes in every PE and the strips.
        lowered: the activities; None if the plan does not fit.
        timing: what the engine answered; None if the plan does not fit.
        place_seconds, simulate_seconds: time the emulator took (placing includes planning).
    """

    program: StepProgram
    placement: Placement
    plan: StepPlan
    lowered: Lowered | None
    timing: Timing | None
    place_seconds: float
    simulate_seconds: float

    @property
    def fits(self) -> bool:
        """Whether every PE holds what it has to."""
        return self.plan.memory.fits


def emulate_step(
    program: StepProgram,
    spec: WaferSpec,
    engine: str = "array",
    tell: Tell = silent,
) -> EmulatedStep:
    """Place, plan, lower and simulate a captured step.

    A step that does not fit is placed and planned, and not simulated.

    Args:
        program: the captured step.
        spec: the machine.
        engine: ``array`` (fast) or ``pe`` (one process a PE); both give the same answer.
        tell: called with the name of each stage as it begins; does nothing by default.

    Raises:
        UnknownOpError: an op has no cost, or needs a collective that is not modelled.
        UnknownNameError: no such engine.
    """
    tell("placing and planning")
    begin = time.perf_counter()
    placement, plan = place_and_plan(program, spec)
    placed = time.perf_counter()
    if not plan.memory.fits:
        return EmulatedStep(program, placement, plan, None, None, placed - begin, 0.0)
    tell("simulating")
    lowered = lower(program, placement, plan.strips, plan.costs)
    timing = simulate(
        engine,
        spec,
        lowered.activities,
        resident_bytes=plan.memory.resident_bytes,
        op_count=len(program.ops),
    )
    done = time.perf_counter()
    return EmulatedStep(program, placement, plan, lowered, timing, placed - begin, done - placed)
