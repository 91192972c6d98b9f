"""A captured step, placed and planned."""

from __future__ import annotations

from wse_emulator.activities import MOST_CYCLES
from wse_emulator.errors import InputError
from wse_emulator.placement.forms import tensor_forms
from wse_emulator.placement.pieces import largest_piece
from wse_emulator.placement.place import place
from wse_emulator.placement.values import Placement
from wse_emulator.plan.holdings import holdings, load_per_element
from wse_emulator.plan.step import StepPlan, plan_step
from wse_emulator.program import StepProgram
from wse_emulator.wafer.spec import WaferSpec


def place_and_plan(program: StepProgram, spec: WaferSpec) -> tuple[Placement, StepPlan]:
    """Where a captured step lies, and what it needs in every PE.

    Raises:
        InputError: it fits, and would run for longer than is recorded.
    """
    held = holdings(program)
    placement = place(
        program.parameters,
        spec,
        bytes_per_parameter=load_per_element(program, held),
        forms=tensor_forms(program),
    )
    plan = plan_step(program, placement, held=held)
    if plan.memory.fits:
        _refuse_endless(placement, plan)
    return placement, plan


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
