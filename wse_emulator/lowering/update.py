"""The activities of a whole step, phase by phase.

The controller PE computes the learning rate and sends it over the wafer; then every PE runs the
chains of the tensors it holds, tensor by tensor in program order, with the collectives between
them. A number summed over the wafer (the global norm) parts the step into phases: all tensors'
parts first, then the sum to the centre, the scalar ops there, and the result back to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wse_emulator.activities import Activity, Multicast
from wse_emulator.collectives import root_of
from wse_emulator.lowering.controller import (
    CostedOp,
    common_ops,
    costed,
    standing_values,
    summed_values,
    values_sent,
    work_on,
)
from wse_emulator.lowering.sums import sum_of_region
from wse_emulator.lowering.tensor_work import segment_activities
from wse_emulator.placement.values import Placement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.segments import shape_of
from wse_emulator.plan.strips import StripChoice
from wse_emulator.program import StepProgram, Value
from wse_emulator.wafer.region import Region

RATE_CHANNEL: Final = "rate"
SUM_CHANNEL: Final = "wafer sum"


@dataclass(frozen=True, slots=True)
class Lowered:
    """The machine program of one step.

    Attributes:
        activities: in program order.
        controller_costs: ops of the controller PE, the learning rate above all.
        central_costs: ops of the PE at the centre, on numbers summed over the wafer.
        broadcasts: names of the values that travel from the controller or the centre, in order.
        products: indices of the activities of each product of matrices, all its rounds.
    """

    activities: tuple[Activity, ...]
    controller_costs: tuple[CostedOp, ...]
    central_costs: tuple[CostedOp, ...]
    broadcasts: tuple[str, ...]
    products: tuple[range, ...] = ()


def lower(
    program: StepProgram,
    placement: Placement,
    strips: Sequence[StripChoice],
    costs: ChainCosts,
) -> Lowered:
    """Build the activities.

    Raises:
        UnknownOpError: an op that no activity can carry out, named with its parameter.
    """
    spec = placement.wafer
    wafer = Region(0, 0, spec.rows, spec.cols)
    centre = root_of(wafer, "centre")
    barriers = shape_of(program).barriers
    phases = common_ops(program, barriers)
    activities: list[Activity] = []
    products: list[range] = []
    sent: list[Value] = []
    controller: tuple[CostedOp, ...] = ()
    central: list[CostedOp] = []
    for phase, ops in enumerate(phases):
        ready = costed(ops, program, spec)
        values = values_sent(program, ops)
        if phase == 0:
            controller = ready
            values = [*standing_values(program), *values]
            activities += work_on(placement.controller, ready, "learning rate")
            root, channel = placement.controller, RATE_CHANNEL
        else:
            central += ready
            root, channel = centre, SUM_CHANNEL
            barrier = barriers[phase - 1]
            activities += sum_of_region(
                wafer,
                len(summed_values(program, barrier)),
                spec,
                name="sum over the wafer",
                channel=SUM_CHANNEL,
                op=barrier,
            )
            activities += work_on(centre, ready, "numbers of the whole step")
        # every value is 0-dim, and a number of at most 32 bits is one wavelet
        activities += [
            Multicast(name=v.name, region=wafer, root=root, wavelets=1, channel=channel)
            for v in values
        ]
        sent += values
        for number, layer in enumerate(placement.layers):
            for parameter in layer.tensors:
                for index, segment in enumerate(costs.segments[parameter]):
                    if segment.phase == phase:
                        begin = len(activities)
                        activities += segment_activities(
                            placement.tensors[parameter],
                            index,
                            strips[parameter],
                            costs,
                            f"layer {number}",
                        )
                        if segment.product is not None:
                            products.append(range(begin, len(activities)))
    return Lowered(
        tuple(activities),
        controller,
        tuple(central),
        tuple(value.name for value in sent),
        tuple(products),
    )
