"""How a result in memory is explained later: what its question or its step was, kept with it."""

from __future__ import annotations

from collections.abc import Callable

from wse_emulator.emulate import emulate
from wse_emulator.inputs.read import Inputs
from wse_emulator.plan.placed import Placed
from wse_emulator.questions.explain import explain_inputs, lift_limits
from wse_emulator.results.explain import Explanation
from wse_emulator.tell import Tell


def repeating(inputs: Inputs, *, command: str = "") -> Callable[[Tell], Explanation]:
    """How the step of a question is explained later, by the result that answers it."""

    def repeat(tell: Tell) -> Explanation:
        return explain_inputs(inputs, command=command, tell=tell)

    return repeat


def repeating_step(placed: Placed, model: str) -> Callable[[Tell], Explanation]:
    """How a step that no file and no name stands for is explained later.

    Args:
        placed: the step.
        model: name of what is stepped.
    """

    def repeat(tell: Tell) -> Explanation:
        tell("capturing the step")
        tell("the step as it is")
        return lift_limits(emulate(placed), model=model, tell=tell)

    return repeat
