"""SRAM accounts: peaks, overflow that names the place, nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import OpChain, VectorOp, Work
from wse_emulator.engines import ENGINES, simulate
from wse_emulator.engines.timing import Timing
from wse_emulator.errors import ConservationError, SramOverflowError
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.region import Region

engines = pytest.mark.parametrize("engine", ENGINES)
ROW = Region(0, 0, 1, 3)
SPEC = machine(cols=3, sram_bytes_per_pe=1_000, reserved_bytes_per_pe=0)


def run(engine: str, *works: Work, resident: IntArray | None = None) -> Timing:
    held = np.zeros((1, 3), np.int64) if resident is None else resident
    return simulate(engine, SPEC, works, resident_bytes=held, op_count=3)


def takes(op: int, allocates: int, releases: int) -> OpChain:
    return OpChain((VectorOp(op, 10, 0, allocates, releases),))


@engines
def test_the_peak_is_resident_bytes_plus_what_lives_at_once(engine: str) -> None:
    chain = OpChain(
        (VectorOp(0, 5, 0, 300, 0), VectorOp(1, 5, 0, 200, 300), VectorOp(2, 5, 0, 50, 250))
    )
    timing = run(
        engine,
        Work("w", ROW, (chain,), ((1, 0), (1, -1), (1, 0))),
        resident=np.array([[100, 200, 300]]),
    )
    assert timing.sram_peak.tolist() == [[600, 200, 800]]
    assert timing.temporary_bytes.tolist() == [600] * 5 + [1_000] * 5 + [500] * 5


@engines
def test_a_temporary_may_live_from_one_work_to_the_next(engine: str) -> None:
    makes, drops = takes(0, 400, 0), takes(1, 100, 500)
    timing = run(engine, Work("a", ROW, (makes,), ((3, 0),)), Work("b", ROW, (drops,), ((3, 0),)))
    assert timing.sram_peak.tolist() == [[500, 500, 500]]
    assert timing.temporary_bytes.tolist() == [1_200] * 10 + [1_500] * 10


@engines
def test_overflow_names_pe_op_tensor_and_bytes(engine: str) -> None:
    fits, large = takes(0, 400, 400), takes(2, 800, 800)
    works = (
        Work("h.0.w", ROW, (fits,), ((3, 0),)),
        Work("h.1.w", ROW, (large,), ((1, -1), (2, 0))),
    )
    with pytest.raises(SramOverflowError) as error:
        run(engine, *works, resident=np.array([[900 - 400, 201, 300]]))
    message = str(error.value)
    assert "PE (0, 1)" in message
    assert "op 2 of 'h.1.w'" in message
    assert "1,001 bytes" in message
    assert "1,000" in message


@engines
def test_too_much_before_the_step_is_an_overflow(engine: str) -> None:
    with pytest.raises(SramOverflowError, match="PE \\(0, 2\\) holds 1,001 bytes before"):
        run(engine, resident=np.array([[0, 1_000, 1_001]]))


@engines
def test_what_is_not_released_is_an_error(engine: str) -> None:
    with pytest.raises(ConservationError, match="PE \\(0, 1\\) has allocated 7 bytes more"):
        run(engine, Work("w", ROW, (takes(0, 7, 0),), ((1, -1), (1, 0), (1, -1))))


@engines
def test_resident_bytes_have_the_shape_of_the_wafer(engine: str) -> None:
    with pytest.raises(ValueError, match="1 rows x 3 columns"):
        run(engine, resident=np.zeros((3, 1), np.int64))
    with pytest.raises(ValueError, match="negative"):
        run(engine, resident=np.array([[0, -1, 0]]))
