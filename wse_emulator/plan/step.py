"""The whole plan of a step on a placement: resident bytes, strips, temporaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wse_emulator.ops import OpCost
from wse_emulator.placement.pieces import Piece
from wse_emulator.placement.values import Placement
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.holdings import Holding
from wse_emulator.plan.memory import MemoryPlan, plan_resident
from wse_emulator.plan.sparse import DENSE, Sparsity
from wse_emulator.plan.strips import StripChoice, choose_strips
from wse_emulator.plan.temporaries import free_bytes, temporary_bytes
from wse_emulator.program import StepProgram
from wse_emulator.request import AS_CAPTURED, Precision


@dataclass(frozen=True, slots=True, eq=False)
class StepPlan:
    """Bytes in every PE, and the strips the step runs in.

    Attributes:
        memory: bytes by category, temporaries included.
        strips: one choice a parameter.
        costs: costs of the chains on the machine, for lowering.
    """

    memory: MemoryPlan
    strips: tuple[StripChoice, ...]
    costs: ChainCosts

    def totals(self, parameter: int, segment: int, piece: Piece) -> tuple[OpCost, ...]:
        """Cost of each op of a segment on a PE that holds ``piece``, as it is cut here."""
        choice = self.strips[parameter]
        lines = choice.lines[segment] if choice.lines else 0
        return self.costs.totals(parameter, segment, piece, choice.elements, lines)

    def cycles(self, parameter: int, piece: Piece) -> int:
        """Cycles of all chains of a parameter on a PE that holds ``piece``."""
        choice = self.strips[parameter]
        return self.costs.cycles(parameter, piece, choice.elements, choice.lines)


def plan_step(
    program: StepProgram,
    placement: Placement,
    *,
    precision: Precision = AS_CAPTURED,
    held: Sequence[Holding] | None = None,
    sparsity: Sparsity = DENSE,
    activation_bytes: Mapping[str, int] | None = None,
    costs: ChainCosts | None = None,
) -> StepPlan:
    """Plan a captured step on its placement.

    The arguments are those of :func:`~wse_emulator.plan.memory.plan_resident`; ``costs`` may be
    given where the same program is planned on the same machine again.
    """
    resident = plan_resident(
        program,
        placement,
        precision=precision,
        held=held,
        sparsity=sparsity,
        activation_bytes=activation_bytes,
    )
    costs = costs or ChainCosts(program, placement.wafer)
    strips = choose_strips(costs, placement, free_bytes(placement, resident.resident_bytes))
    memory = resident.with_temporaries(temporary_bytes(placement, costs, strips))
    return StepPlan(memory, strips, costs)
