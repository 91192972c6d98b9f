"""The plan's bytes are what the engines see: equal PE by PE, and one byte less is too little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wse_emulator.capture.built import step_program
from wse_emulator.emulate import emulate_step
from wse_emulator.engines import ENGINES, simulate
from wse_emulator.errors import SramOverflowError
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.questions.fit.answer import fit
from wse_emulator.request import OptimizerChoice
from wse_emulator.wafer.presets import WSE2

MODEL = ModelShapes(
    name="ragged",
    parameters=tuple(
        TensorShape(name, shape, "float32")
        for name, shape in (
            ("embed.w", (131, 17)),
            ("layer.0.w", (64, 48)),
            ("layer.0.b", (48,)),
            ("layer.0.scale", ()),
            ("layer.1.w", (1,)),
            ("layer.1.v", (97, 13)),
            ("layer.2.kernels", (23, 17, 3, 2)),
            ("layer.2.lines", (29, 3, 5, 1)),
        )
    ),
)
OPTIMIZERS = ("SGD", "AdamW", "Adafactor", "Lamb", "Muon", "RMSprop")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_planned_bytes_are_the_engines_peaks(engine: str, optimizer: str):
    program = step_program(MODEL, OptimizerChoice(name=optimizer, lr=0.01))
    emulated = emulate_step(program, WSE2.scaled(5, 7), engine)
    assert emulated.timing is not None
    assert np.array_equal(emulated.timing.sram_peak, emulated.plan.memory.peak_bytes)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_one_byte_less_than_the_plans_peak_stops_both_engines(engine: str):
    spec = WSE2.scaled(3, 3)
    program = step_program(MODEL, OptimizerChoice())
    emulated = emulate_step(program, spec)
    assert emulated.lowered is not None
    memory = emulated.plan.memory
    peak = memory.worst_bytes

    def run(sram_bytes: int) -> None:
        simulate(
            engine,
            replace(spec, sram_bytes_per_pe=sram_bytes, sources={}),
            emulated.lowered.activities,
            resident_bytes=memory.resident_bytes,
            op_count=len(program.ops),
        )

    run(peak)
    row, col = memory.worst_pe
    with pytest.raises(SramOverflowError) as error:
        run(peak - 1)
    assert f"({row}, {col})" in str(error.value)
    assert "layer" in str(error.value) or "embed" in str(error.value)


@pytest.mark.parametrize("optimizer", ["AdamW", "Adafactor"])
def test_fit_plans_what_the_run_simulates(optimizer: str):
    program = step_program(MODEL, OptimizerChoice(name=optimizer, lr=0.01))
    emulated = emulate_step(program, WSE2.scaled(5, 7))
    report = fit(MODEL, optimizer=optimizer, lr=0.01, wafer="wse2:5x7", levers=False)
    assert emulated.timing is not None
    assert np.array_equal(report.maps.peak, emulated.timing.sram_peak)


def test_adafactors_state_of_a_residual_network_lies_between_one_and_two_moments():
    """Kernels of 3 x 3 keep 6 statistics for 9 elements, kernels of one element 2 for 1."""
    state = {}
    for optimizer in ("RMSprop", "Adafactor", "Adam"):
        report = fit("tv-resnet50", optimizer=optimizer, lr=0.01, levers=False)
        assert report.fits
        state[optimizer] = report.bytes["optimizer_state"]
    assert state["RMSprop"] < state["Adafactor"] < state["Adam"]
