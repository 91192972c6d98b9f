"""The two engines: ``pe``, one process a PE, and ``array``, all PEs at once. One answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from wse_emulator.activities import Activity
from wse_emulator.engines.array import simulate_array
from wse_emulator.engines.pe import simulate_pe
from wse_emulator.engines.timing import IntArray, Timing
from wse_emulator.errors import UnknownNameError
from wse_emulator.wafer.spec import WaferSpec


class Engine(Protocol):
    """The signature that all engines share."""

    def __call__(
        self,
        spec: WaferSpec,
        activities: Sequence[Activity],
        *,
        resident_bytes: IntArray,
        op_count: int,
    ) -> Timing:
        """Simulate a program; see :func:`simulate`."""


ENGINES: Final[Mapping[str, Engine]] = {"array": simulate_array, "pe": simulate_pe}
"""Engines by name; ``array`` is the default of every command."""


def simulate(
    engine: str,
    spec: WaferSpec,
    activities: Sequence[Activity],
    *,
    resident_bytes: IntArray,
    op_count: int,
) -> Timing:
    if engine not in ENGINES:
        raise UnknownNameError(
            f"there is no engine {engine!r}; the engines are {', '.join(ENGINES)}"
        )
    return ENGINES[engine](spec, activities, resident_bytes=resident_bytes, op_count=op_count)
