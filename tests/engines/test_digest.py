"""The digest tells timings apart by what it covers, and by nothing else."""

from __future__ import annotations

import struct
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from wse_emulator.engines.digest import digest
from wse_emulator.engines.timing import Timing

NONE = np.zeros(0, np.int64)


def timing() -> Timing:
    return Timing(
        elapsed_cycles=3,
        activity_start=NONE,
        activity_end=NONE,
        op_start=np.array([0, 1]),
        op_end=np.array([2, 3]),
        pe_busy=np.array([[1, 2], [3, 0]]),
        pe_final=np.zeros((2, 2), np.int64),
        link_busy=np.zeros((5, 2, 2), np.int64),
        sram_peak=np.array([[9, 9], [9, 8]]),
        busy_pes=NONE,
        busy_links=NONE,
        temporary_bytes=NONE,
        events=1,
        passes=1,
    )


@pytest.mark.parametrize("name", ["op_start", "op_end", "pe_busy", "sram_peak", "link_busy"])
def test_every_covered_number_counts(name: str) -> None:
    changed = timing()
    array = getattr(changed, name)
    array[(0,) * array.ndim] += 1
    assert digest(changed) != digest(timing())
    assert digest(replace(timing(), **{name: getattr(timing(), name).T.copy().T})) == digest(
        timing()
    )


def test_the_shape_counts() -> None:
    flat = replace(timing(), pe_busy=timing().pe_busy.reshape(1, 4))
    assert digest(flat) != digest(timing())


def test_how_an_engine_worked_does_not_count() -> None:
    assert digest(replace(timing(), events=99, passes=7)) == digest(timing())


def test_it_can_be_recomputed_from_a_result_file() -> None:
    pieces = (
        [2, 0, 1],
        [2, 2, 3],
        [2, 2, 1, 2, 3, 0],
        [2, 2, 9, 9, 9, 8],
        [5, 2, 2, *[0] * 20],
    )
    written = b"".join(struct.pack(f"<{len(piece)}q", *piece) for piece in pieces)
    assert digest(timing()) == sha256(written).hexdigest()
