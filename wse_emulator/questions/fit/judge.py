"""Plan one fit question: from its inputs to the bytes in every PE."""

from __future__ import annotations

from dataclasses import dataclass

from wse_emulator.inputs.read import Inputs
from wse_emulator.plan.known import Known, learn
from wse_emulator.plan.memory import MemoryPlan
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.request import Request


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """A question with all that was planned for it.

    Attributes:
        inputs: the request as it was asked, and what its names stand for.
        placed: the request with the mode that was chosen, and the plan.
    """

    inputs: Inputs
    placed: Placed

    @property
    def request(self) -> Request:
        """The request, with the mode that was chosen."""
        return self.placed.request

    @property
    def known(self) -> Known:
        """What was captured and measured."""
        return self.placed.known

    @property
    def memory(self) -> MemoryPlan:
        """Bytes in every PE."""
        return self.placed.memory

    @property
    def fits(self) -> bool:
        """Whether every PE has room."""
        return self.placed.fits


def judge(inputs: Inputs, before: Judgement | None = None) -> Judgement:
    """Plan a question; ``before`` saves finding again what a similar one has found.

    Raises:
        WseError: a model, optimizer or number that cannot be used.
    """
    known = learn(inputs, (before.inputs, before.known) if before else None)
    return Judgement(inputs=inputs, placed=place_and_plan(known, inputs.request))
