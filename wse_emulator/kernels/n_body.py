"""Direct n-body forces: the bodies of every PE pass all others as messages, pair by pair."""

from __future__ import annotations

from typing import Final

from wse_emulator.activities import Work, compute
from wse_emulator.kernels.scalar_loops import (
    ONE_PE,
    LoopBody,
    iteration_cycles,
    straight_cycles,
)
from wse_emulator.wafer.spec import WaferSpec

_PAIR: Final = LoopBody(loads=4, flops=19, calls=("sqrt", "division"))
"""Position and mass of the other body; differences 3, squared distance 6, its cube 1, the factor
3, forces added 6."""
_BODY: Final = LoopBody(loads=7, stores=3, flops=3)
"""Position and mass of a body of the PE, and its force, to which the sums are added."""
_TASKS: Final = 2
"""Tasks of a message: one when it has arrived, one when it has been passed on."""
_STREAMS: Final = 2
"""Streams that these tasks start: the message out again, the next one in."""


def n_body_forces(messages: int, bodies: int, dtype: str, spec: WaferSpec) -> tuple[Work, ...]:
    """The forces on the bodies of one PE from those in so many messages.

    Counters and tests of the tasks are not counted; at the prices of a loop's body they would be
    some 90 cycles a message.

    Args:
        messages: from each of the other PEs one, with its bodies.
        bodies: on each PE.
        dtype: format of positions and forces.
        spec: the machine.

    Raises:
        WaferSpecError: the library has no square root or division in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE3
        >>> program = n_body_forces(1023, 1, "float32", WSE3)
        >>> run_alone(program, WSE3.scaled(1, 1)).elapsed_cycles
        347820
    """
    pair = iteration_cycles(_PAIR, dtype, spec)
    body = iteration_cycles(_BODY, dtype, spec)
    task = spec.activation_cycles + spec.completion_cycles
    message = bodies * (body + bodies * pair) + _TASKS * task + _STREAMS * spec.launch_cycles
    both = straight_cycles(_BODY, dtype, spec)  # the other body's force is added to as well
    own = bodies * (bodies - 1) // 2 * (pair + both)
    return (compute("forces", ONE_PE, messages * message + own),)
