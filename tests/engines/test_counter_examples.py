"""Programs on which the engines once differed or failed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engines.agreement import both, differences, stepped
from tests.engines.drawn import Case, machine
from wse_emulator.activities import Activity, Multicast, OpChain, Send, VectorOp, Work
from wse_emulator.engines.array.engine import simulate_array
from wse_emulator.wafer.region import Region

# a link is asked for out of program order and yet nobody waits: no wait to take into a pass
FALSE_ALARM = (
    Send("late", (0, 2), (0, 0), 1, "a"),
    Multicast("early", Region(0, 0, 1, 2), (0, 1), 1, "b"),
)
# the op that takes bytes has no cycles, so the bytes are held in no cycle and yet make the peak
BYTES_IN_NO_TIME = (
    Work(
        "work",
        Region(0, 0, 1, 1),
        (OpChain((VectorOp(0, 0, 0, 8, 8), VectorOp(1, 1, once=True))),),
        ((1, 0),),
    ),
)


@pytest.mark.parametrize("program", [FALSE_ALARM, BYTES_IN_NO_TIME])
def test_all_machines_agree(program: tuple[Activity, ...]) -> None:
    case = Case(machine(cols=3, ramp_cycles=0), program, np.zeros((1, 3), np.int64))
    array, pe = both(case)
    assert differences(array, pe) == differences(array, stepped(case)) == []


def test_a_false_alarm_costs_a_pass_and_nothing_else() -> None:
    resident = np.zeros((1, 3), np.int64)
    spec = machine(cols=3, ramp_cycles=0)
    timing = simulate_array(spec, FALSE_ALARM, resident_bytes=resident, op_count=0)
    assert timing.passes == 2
    # PE (0, 0) has the early message at 2, and takes it in program order, after the late one
    assert timing.activity_end.tolist() == [4, 5]


def test_bytes_held_in_no_cycle_make_the_peak() -> None:
    timing = both(Case(machine(), BYTES_IN_NO_TIME, np.zeros((1, 1), np.int64)))[0]
    assert timing.sram_peak.tolist() == [[8]]
    assert timing.temporary_bytes.tolist() == [0]
