"""Cycles of single ops: they are the work between an op's start and its end, no more, no less."""

from __future__ import annotations

import pytest
import torch

from wse_emulator.questions.run import run
from wse_emulator.results.run import RunResult


def emulated(optimizer: str, wafer: str) -> RunResult:
    model = torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.Linear(30, 7))
    return run(model, optimizer=optimizer, lr_schedule="linear:0:1e-3:10", wafer=wafer)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "Lamb", "Muon"])
@pytest.mark.parametrize("wafer", ["wse2:6x4", "wse3:3x3"])
def test_an_op_takes_no_more_cycles_than_lie_between_its_start_and_end(
    optimizer: str, wafer: str
) -> None:
    arrays = emulated(optimizer, wafer).arrays
    assert arrays.op_cycles.shape == arrays.op_start.shape
    assert (arrays.op_cycles <= arrays.op_end - arrays.op_start).all()
    assert arrays.op_cycles.sum() > 0


def test_on_one_pe_they_sum_to_its_busy_cycles() -> None:
    result = emulated("AdamW", "wse2:1x1")
    messages = sum(op.pe_cycles for op in result.ops if op.phase == "messages")
    assert int(result.arrays.op_cycles.sum()) + messages == int(result.arrays.pe_busy[0, 0])


def test_over_many_pes_they_bound_the_work_of_their_kind() -> None:
    result = emulated("Lamb", "wse2:6x4")
    for kind in result.ops:
        if kind.phase != "messages":
            own = [i for i, name in enumerate(result.op_names) if name == kind.name]
            most = int(result.arrays.op_cycles[own].sum())
            assert most <= sum(o.pe_cycles for o in result.ops if o.name == kind.name)
