"""Collectives, all PEs ready at 0, against the published cost formulas.

Formulas and the 512-PE figures: "Near-Optimal Wafer-Scale Reduce" (HPDC 2024), whose stages cost
2 T_R + 1 cycles beyond the wavelets; the star formula there leaves out one touch of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import Activity, Chain, LineMulticast, Multicast, Star
from wse_emulator.engines import simulate
from wse_emulator.wafer.region import Region

RAMP = 2
sizes = pytest.mark.parametrize("pes", [2, 3, 8, 64])
lengths = pytest.mark.parametrize("wavelets", [1, 5, 256])


def cycles(program: Sequence[Activity], rows: int, cols: int) -> int:
    spec = machine(rows=rows, cols=cols, ramp_cycles=RAMP, queue_depth_wavelets=2)
    resident = np.zeros((rows, cols), np.int64)
    return simulate("array", spec, program, resident_bytes=resident, op_count=0).elapsed_cycles


@sizes
@lengths
def test_chain(pes: int, wavelets: int) -> None:
    row = Region(0, 0, 1, pes)
    program = [Chain("c", row, "row", 0, 1, pes, wavelets, "c")]
    assert cycles(program, 1, pes) == wavelets + (2 * RAMP + 2) * (pes - 1)


@sizes
@lengths
def test_broadcast(pes: int, wavelets: int) -> None:
    expected = wavelets + pes + 2 * RAMP
    column = Region(0, 0, pes, 1)
    assert cycles([Multicast("m", column, (0, 0), wavelets, "m")], pes, 1) == expected
    assert cycles([LineMulticast("m", column, "column", 0, wavelets, "m")], pes, 1) == expected


@sizes
@lengths
def test_broadcast_over_a_rectangle(pes: int, wavelets: int) -> None:
    program = [Multicast("m", Region(0, 0, 5, pes), (0, 0), wavelets, "m")]
    assert cycles(program, 5, pes) == wavelets + 5 + pes - 2 + 2 * RAMP + 1


@sizes
@lengths
def test_star(pes: int, wavelets: int) -> None:
    program = [Star("s", Region(0, 0, 1, pes), "row", 0, 1, pes, wavelets, "s")]
    assert cycles(program, 1, pes) == wavelets * (pes - 1) + 2 * RAMP + 2


@pytest.mark.parametrize("rounds", [1, 2, 5])
@lengths
def test_tree(rounds: int, wavelets: int) -> None:
    pes = 2**rounds
    row = Region(0, 0, 1, pes)
    program = [
        Chain("t", row, "row", 0, 2**k, pes // 2**k, wavelets, "t", group=2) for k in range(rounds)
    ]
    expected = (wavelets + 2 * RAMP + 1) * rounds + pes - 1
    assert cycles(program, 1, pes) == expected


@pytest.mark.parametrize(
    ("group", "modelled", "published"),
    [(4, 9_353, 9_421), (16, 8_933, 8_989), (64, 9_053, 9_061), (256, 9_983, 9_800)],
)
def test_two_phase_reduction_of_4096_wavelets_over_512_pes(
    group: int, modelled: int, published: int
) -> None:
    row = Region(0, 0, 1, 512)
    program = [
        Chain("groups", row, "row", 0, 1, 512, 4_096, "r", group=group),
        Chain("leaders", row, "row", 0, group, 512 // group, 4_096, "r"),
    ]
    measured = cycles(program, 1, 512)
    assert measured == modelled
    assert abs(measured / published - 1) < 0.02
