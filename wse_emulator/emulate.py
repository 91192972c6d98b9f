"""The pipeline in one function: a captured step, placed, planned, lowered and simulated."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from wse_emulator.activities import MOST_CYCLES
from wse_emulator.engines import simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import InputError
from wse_emulator.lowering import Lowered, lower
from wse_emulator.placement.pieces import largest_piece, piece_counts
from wse_emulator.placement.values import Placement
from wse_emulator.plan.known import known_of, on_wafer
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.plan.step import StepPlan
from wse_emulator.plan.strips import choose_strips
from wse_emulator.plan.temporaries import free_bytes
from wse_emulator.program import StepProgram
from wse_emulator.request import Request
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.library import FUNCTIONS, FunctionForm
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, eq=False)
class EmulatedStep:
    """Every stage's value for one step.

    Attributes:
        placed: the request, what is known of it, and the plan.
        placement: where it lies.
        plan: bytes in every PE and the strips.
        lowered: the activities; None if the plan does not fit.
        timing: what the engine answered; None if the plan does not fit.
        simulate_seconds: time the emulator took.
        other_cycles: of the same step with its functions of vectors in the other form; None if it
            was not simulated or computes none.
    """

    placed: Placed
    placement: Placement
    plan: StepPlan
    lowered: Lowered | None = None
    timing: Timing | None = None
    simulate_seconds: float = 0.0
    other_cycles: int | None = None

    @property
    def program(self) -> StepProgram:
        """What was captured, in the dtypes that were asked for."""
        return self.placed.known.program

    @property
    def fits(self) -> bool:
        """Whether every PE holds what it has to."""
        return self.plan.memory.fits


def emulate(placed: Placed, tell: Tell = silent) -> EmulatedStep:
    """Lower and simulate a placed step on the engine that its request names.

    A step that does not fit is not simulated.

    Args:
        placed: a step whose layers are all on the wafer at once.
        tell: called with the name of each stage as it begins.

    Raises:
        UnknownOpError: an op needs a collective that is not modelled.
        InputError: weights stream, so that no step runs on the wafer; or the step would run for
            longer than is recorded.
    """
    placement, plan = placed.placement, placed.plan
    if placement is None or plan is None:
        raise InputError(
            "the optimizer step runs at the weight server when weights stream, and is not timed; "
            "wse fit judges the memory"
        )
    if not plan.memory.fits:
        return EmulatedStep(placed, placement, plan)
    _refuse_endless(placement, plan)
    tell("simulating")
    begin = time.perf_counter()
    program = placed.known.program
    lowered = lower(program, placement, plan.strips, plan.costs)
    timing = simulate(
        placed.request.engine,
        placed.request.wafer,
        lowered.activities,
        resident_bytes=plan.memory.resident_bytes,
        op_count=len(program.ops),
    )
    return EmulatedStep(placed, placement, plan, lowered, timing, time.perf_counter() - begin)


def functions_of(step: EmulatedStep) -> tuple[str, ...]:
    """The functions that a step computes of vectors, by their names in sentences."""
    found: set[str] = set()
    for tensor in step.placement.tensors:
        for number in range(len(step.plan.costs.segments[tensor.parameter])):
            for piece in piece_counts(tensor):
                for cost in step.plan.totals(tensor.parameter, number, piece):
                    found |= cost.functions
    return tuple(name for function, name in FUNCTIONS.items() if function in found)


def with_other_form(step: EmulatedStep) -> EmulatedStep:
    """Simulate a step once more with its functions of vectors in the other form.

    The step lies where it lies; its strips are those of the other machine. The array engine
    simulates it, whichever engine is asked for: both answer alike.

    Args:
        step: as :func:`emulate` gives it.
    Returns:
        The same with ``other_cycles``; as it is if it was not simulated or computes no function.
    """
    if step.timing is None or not functions_of(step):
        return step
    begin = time.perf_counter()
    spec, memory = step.placed.request.wafer, step.plan.memory
    other: FunctionForm = "vector" if spec.functions == "library" else "library"
    changed = replace(spec, functions=other)
    costs = on_wafer(step.placed.known, changed).costs
    placement = replace(step.placement, wafer=changed)
    strips = choose_strips(costs, placement, free_bytes(placement, memory.resident_bytes))
    timing = simulate(
        "array",
        changed,
        lower(step.program, placement, strips, costs).activities,
        resident_bytes=memory.resident_bytes,
        op_count=len(step.program.ops),
    )
    return replace(
        step,
        other_cycles=timing.elapsed_cycles,
        simulate_seconds=step.simulate_seconds + time.perf_counter() - begin,
    )


def emulate_step(program: StepProgram, spec: WaferSpec, engine: str = "array") -> EmulatedStep:
    """Place, plan, lower and simulate a step that was captured elsewhere, as it is.

    Args:
        program: the captured step.
        spec: the machine.
        engine: ``array`` (fast) or ``pe`` (one process a PE); both give the same answer.

    Raises:
        UnknownOpError: an op has no cost, or needs a collective that is not modelled.
        UnknownNameError: no such engine.
    """
    request = Request(wafer=spec, engine=engine)
    return emulate(place_and_plan(known_of(program, spec), request))


def _refuse_endless(placement: Placement, plan: StepPlan) -> None:
    """Refuse a step whose record, cycle by cycle, would not fit in memory."""
    for layer in placement.layers:
        cycles = sum(
            plan.cycles(index, largest_piece(placement.tensors[index]))
            for index in layer.tensors
            if plan.strips[index].elements
        )
        if cycles > MOST_CYCLES:
            raise InputError(
                f"the PEs of {layer.name} would work for {cycles:,} cycles, and {MOST_CYCLES:,} "
                "are the most that are recorded; take a larger wafer or a smaller model"
            )
