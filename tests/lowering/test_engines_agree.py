"""Any model, optimizer, clipping and machine: both engines give the same answer, to the cycle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st
from torch import nn

import optimizers
import schedulers
from optimizers import DynamicLossScale
from wse_emulator.capture.scaling import GradientScaling
from wse_emulator.capture.step import capture_step
from wse_emulator.emulate import emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.program import StepProgram
from wse_emulator.wafer import WSE2, with_settings
from wse_emulator.wafer.spec import WaferSpec

ELEMENTWISE = ("SGD", "Adam", "AdamW", "Adamax", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam")
REDUCING = ("Lamb", "Adafactor")
MULTIPLYING = ("Muon",)

shapes = st.lists(
    st.one_of(
        st.lists(st.integers(0, 13), min_size=0, max_size=2),
        st.lists(st.integers(0, 5), min_size=3, max_size=4),
    ).map(tuple),
    min_size=1,
    max_size=7,
)
machines = st.builds(
    lambda rows, cols, hop, ramp, queue, launch: with_settings(
        WSE2.scaled(rows, cols),
        [
            f"hop_cycles={hop}",
            f"ramp_cycles={ramp}",
            f"queue_depth_wavelets={queue}",
            f"launch_cycles={launch}",
        ],
    ),
    rows=st.integers(1, 9),
    cols=st.integers(1, 9),
    hop=st.integers(1, 2),
    ramp=st.integers(0, 3),
    queue=st.integers(0, 8),
    launch=st.integers(0, 20),
)


@st.composite
def programs(draw: st.DrawFn) -> StepProgram:
    """A captured step: random tensors in one or two groups, optimizer, schedule, clipping."""
    name = draw(st.sampled_from(ELEMENTWISE + REDUCING + MULTIPLYING))
    drawn = draw(shapes)
    if name in MULTIPLYING:  # of matrices alone, stacked ones excepted
        drawn = [shape for shape in drawn if len(shape) in (2, 4)] or [(5, 3)]
    parameters = [nn.Parameter(torch.empty(shape, device="meta")) for shape in drawn]
    cut = draw(st.integers(0, len(parameters) - 1))
    groups = [{"params": part} for part in (parameters[:cut], parameters[cut:]) if part]
    optimizer = getattr(optimizers, name)(groups, lr=0.1)
    scheduler = schedulers.LinearLR(optimizer, 0.1, 0.0, 10) if draw(st.booleans()) else None
    if scheduler is not None and len(groups) == 2 and draw(st.booleans()):
        optimizer.param_groups[1]["lr"] = torch.zeros((), device="meta")  # a rate of its own
        scheduler = None
    scaling = GradientScaling(
        max_norm=1.0 if draw(st.booleans()) else None,
        loss_scale=DynamicLossScale(device="meta") if draw(st.booleans()) else None,
    )
    note(f"{name} {[tuple(p.shape) for p in parameters]} {scheduler is not None=} {scaling}")
    return capture_step(optimizer, scheduler, scaling=scaling)


@given(program=programs(), spec=machines)
@settings(max_examples=60)
def test_any_step_takes_the_same_cycles_in_both_engines(
    program: StepProgram, spec: WaferSpec
) -> None:
    array, pe = (emulate_step(program, spec, engine) for engine in ("array", "pe"))
    assert array.timing is not None
    assert pe.timing is not None
    assert digest(array.timing) == digest(pe.timing)
    assert np.array_equal(array.timing.activity_start, pe.timing.activity_start)
    assert np.array_equal(array.timing.activity_end, pe.timing.activity_end)
    assert np.array_equal(array.timing.busy_pes, pe.timing.busy_pes)
    assert np.array_equal(array.timing.busy_links, pe.timing.busy_links)
    assert np.array_equal(array.timing.temporary_bytes, pe.timing.temporary_bytes)
    assert (array.timing.sram_peak == array.plan.memory.peak_bytes).all()


@given(program=programs(), spec=machines)
@settings(max_examples=25)
def test_a_faster_machine_is_never_slower(program: StepProgram, spec: WaferSpec) -> None:
    """Lifting launch cost or doubling the clock of the fabric cannot make a step longer."""
    slow = emulate_step(program, spec)
    fast = emulate_step(program, with_settings(spec, ["launch_cycles=0", "ramp_cycles=0"]))
    assert slow.timing is not None
    assert fast.timing is not None
    assert fast.timing.elapsed_cycles <= slow.timing.elapsed_cycles


def test_a_half_rate_link_changes_both_engines_alike() -> None:
    parameters = [nn.Parameter(torch.empty(9, 9, device="meta")) for _ in range(3)]
    optimizer = optimizers.Lamb(parameters)
    program = capture_step(optimizer)
    plain = WSE2.scaled(6, 6)
    slow = with_settings(plain, ["cycles_per_wavelet=9/8"])
    assert slow.cycles_per_wavelet == Fraction(9, 8)
    digests = [digest(emulate_step(program, slow, e).timing) for e in ("array", "pe")]  # type: ignore[arg-type]
    assert digests[0] == digests[1]
    assert digests[0] != digest(emulate_step(program, plain).timing)  # type: ignore[arg-type]
