"""Every field of the machine that the engines read changes the answer, in both alike."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.engines.agreement import both, differences
from tests.engines.drawn import Case, machine
from wse_emulator.activities import (
    Chain,
    LineMulticast,
    Multicast,
    OpChain,
    Send,
    Shift,
    Star,
    VectorOp,
    Work,
)
from wse_emulator.engines import ENGINES, simulate
from wse_emulator.errors import ColorsExhaustedError, SramOverflowError
from wse_emulator.wafer.region import Region

WAFER = Region(0, 0, 5, 6)
RAGGED = tuple(OpChain((VectorOp(0, c, allocates_bytes=64, releases_bytes=64),)) for c in (3, 90))
PROGRAM = (
    Work("work", WAFER, RAGGED, ((13, 0), (4, 1), (13, 0))),
    Chain("chain", WAFER, "row", 2, 1, 4, 30, "a"),
    Star("star", WAFER, "column", 4, -1, 4, 5, "b"),
    Multicast("multicast", WAFER, (2, 2), 24, "c"),
    Send("send", (0, 0), (4, 5), 17, "d"),
    LineMulticast("lines", WAFER, "row", 3, 40, "a"),
    Shift("shift", WAFER, "column", 20, "e"),
    Chain("tasks", WAFER, "column", 0, 1, 5, 10, "b", software=True),
)
MACHINE = machine(rows=5, cols=6, ramp_cycles=2, queue_depth_wavelets=4)
CASE = Case(MACHINE, PROGRAM, np.zeros((5, 6), np.int64))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hop_cycles", 2),
        ("turn_cycles", 3),
        ("ramp_cycles", 3),
        ("touch_cycles", 2),
        ("activation_cycles", 4),
        ("completion_cycles", 2),
        ("queue_depth_wavelets", 0),
        ("cycles_per_wavelet", Fraction(9, 8)),
    ],
)
def test_a_field_of_time_changes_both_engines_alike(field: str, value: int | Fraction) -> None:
    array, pe = both(CASE)
    changed = Case(replace(MACHINE, **{field: value}), PROGRAM, CASE.resident_bytes)
    changed_array, changed_pe = both(changed)
    assert differences(array, pe) == differences(changed_array, changed_pe) == []
    assert "pe_final" in differences(array, changed_array)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_size_of_sram_is_a_limit(engine: str) -> None:
    tight = replace(MACHINE, sram_bytes_per_pe=63, reserved_bytes_per_pe=0)
    with pytest.raises(SramOverflowError, match="PE \\(0, 0\\) needs 64 bytes"):
        simulate(engine, tight, PROGRAM, resident_bytes=CASE.resident_bytes, op_count=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fields", [{"colors": 7}, {"reserved_colors": 20}])
def test_colors_are_a_limit(engine: str, fields: dict[str, int]) -> None:
    few = replace(MACHINE, **fields)
    with pytest.raises(ColorsExhaustedError):
        simulate(engine, few, PROGRAM, resident_bytes=CASE.resident_bytes, op_count=1)
