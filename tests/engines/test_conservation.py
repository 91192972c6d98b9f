"""A timing that breaks an invariant is refused, and the error names the place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import Multicast, OpChain, VectorOp, Work
from wse_emulator.engines import conservation, simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import ConservationError
from wse_emulator.wafer.region import Region

WAFER = Region(0, 0, 2, 3)
SPEC = machine(rows=2, cols=3)
PROGRAM = (
    Work("w", WAFER, (OpChain((VectorOp(0, 9),)),), ((6, 0),)),
    Multicast("m", WAFER, (0, 0), 4, "m"),
)


@pytest.fixture
def timing() -> Timing:
    resident = np.zeros((2, 3), np.int64)
    return simulate("array", SPEC, PROGRAM, resident_bytes=resident, op_count=1)


def test_a_true_timing_passes(timing: Timing) -> None:
    conservation.check_invariants(SPEC, PROGRAM, timing)


def test_busy_beyond_the_run_names_the_pe(timing: Timing) -> None:
    timing.pe_busy[1, 2] = timing.elapsed_cycles + 1
    with pytest.raises(ConservationError, match="PE \\(1, 2\\) is busy for"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_a_link_booked_beyond_the_run_is_named(timing: Timing) -> None:
    timing.link_busy[2, 0, 1] = timing.elapsed_cycles + 5
    with pytest.raises(ConservationError, match="link S of PE \\(0, 1\\)"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_a_lost_wavelet_is_noticed(timing: Timing) -> None:
    timing.link_busy[4, 1, 1] -= 1
    with pytest.raises(ConservationError, match=r"down-ramps are booked for 19 .*for 20"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_a_wavelet_on_the_wrong_link_is_noticed(timing: Timing) -> None:
    timing.link_busy[3, 1, 1] += 1
    with pytest.raises(ConservationError, match="links E, W, S, N are booked for"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_occupancy_has_to_sum_to_busy_cycles(timing: Timing) -> None:
    timing.busy_pes[0] -= 1
    with pytest.raises(ConservationError, match="over all cycles, PEs are busy for"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_more_busy_than_there_are_is_impossible(timing: Timing) -> None:
    timing.busy_pes[0] += 1
    timing.busy_pes[1] -= 1
    with pytest.raises(ConservationError, match=r"busy PEs range from .* to 7"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_an_end_before_its_start_is_refused(timing: Timing) -> None:
    timing.op_start[0] = 10
    with pytest.raises(ConservationError, match="op 0 ends in 9, before its start in 10"):
        conservation.check_invariants(SPEC, PROGRAM, timing)


def test_an_end_after_the_run_is_refused(timing: Timing) -> None:
    with pytest.raises(ConservationError):
        conservation.check_invariants(
            SPEC, PROGRAM, replace(timing, elapsed_cycles=timing.elapsed_cycles - 1)
        )
