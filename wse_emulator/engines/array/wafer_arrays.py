"""The arrays that hold the state of the wafer in one pass of the array engine."""

from __future__ import annotations

from dataclasses import dataclass

from wse_emulator.engines.array.bookings import Bookings
from wse_emulator.engines.array.link_views import Groups, Ramps, Takers
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, eq=False)
class WaferArrays:
    """The arrays of the wafer, of which activities take views.

    Attributes:
        spec: the machine.
        ready: (rows, cols) release time of each PE's latest activity.
        busy: (rows, cols) cycles of work and touches.
        bookings: state of all links.
    """

    spec: WaferSpec
    ready: IntArray
    busy: IntArray
    bookings: Bookings

    def pes(self, view: Ramps | Groups) -> Takers:
        """The arrays of the PEs of a view."""
        return Takers(view.of(self.ready), view.of(self.busy))
