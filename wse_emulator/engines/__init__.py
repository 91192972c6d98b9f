"""The two engines, which give the same answer: ``pe`` runs one process for each PE, ``array``
computes all PEs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from wse_emulator.activities import ProgramPart
from wse_emulator.engines.admission import admit
from wse_emulator.engines.array.engine import simulate_array
from wse_emulator.engines.pe.machine import simulate_pe
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import UnknownNameError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


class Engine(Protocol):
    """A function that simulates a program, as ``simulate_array`` and ``simulate_pe`` do."""

    def __call__(
        self,
        spec: WaferSpec,
        program: Sequence[ProgramPart],
        *,
        resident_bytes: IntArray,
        op_count: int,
        over_time: bool = True,
    ) -> Timing:
        """Simulate a program that :func:`~wse_emulator.engines.admission.admit` has let pass.

        Args and errors are those of :func:`simulate`.
        """


ENGINES: Final[Mapping[str, Engine]] = {"array": simulate_array, "pe": simulate_pe}
"""Engines by name; ``array`` is the default of every command."""


def simulate(
    engine: str,
    spec: WaferSpec,
    program: Sequence[ProgramPart],
    *,
    resident_bytes: IntArray,
    op_count: int,
    over_time: bool = True,
) -> Timing:
    """Check that a program can run on a machine, and simulate it.

    Args:
        engine: ``array`` or ``pe``; the answers are equal to the cycle.
        spec: the machine.
        program: activities and loops, in order.
        resident_bytes: (rows, cols) SRAM in use before the program starts.
        op_count: ops of the step program; op indices lie below it.
        over_time: whether to record what is in use in each cycle (``busy_pes``, ``busy_links`` and
            ``temporary_bytes``). Without it the array engine jumps over equal passes of a loop.

    Raises:
        UnknownNameError: no such engine.
        ValueError: the program does not lie on the machine.
        ColorsExhaustedError: more channels pass a router than programs have colors.
        SramOverflowError: a PE needs more SRAM than it has.
        ConservationError: an invariant of the machine is violated.
    """
    if engine not in ENGINES:
        raise UnknownNameError(f"unknown engine {engine!r}; there are {', '.join(ENGINES)}")
    admit(spec, program, op_count)
    return ENGINES[engine](
        spec, program, resident_bytes=resident_bytes, op_count=op_count, over_time=over_time
    )
