"""The SRAM plan: hand-counted small cases, and sums that must hold for any model and wafer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wse_emulator.capture.step import capture_step
from wse_emulator.errors import UnknownNameError
from wse_emulator.inputs.optimizer import build_optimizer
from wse_emulator.inputs.precision import parse_precision
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import TensorShape
from wse_emulator.placement import place
from wse_emulator.placement.forms import tensor_forms
from wse_emulator.placement.pieces import Piece
from wse_emulator.plan.holdings import holdings, load_per_element
from wse_emulator.plan.memory import MemoryPlan, Sparsity, plan_resident
from wse_emulator.plan.step import StepPlan, plan_step
from wse_emulator.program import StepProgram
from wse_emulator.request import OptimizerChoice
from wse_emulator.wafer.presets import WSE2


def program_of(shapes: list[tuple[int, ...]], optimizer: str = "AdamW", **options) -> StepProgram:
    model = MetaModel(
        TensorShape(f"layer.{i // 2}.w{i % 2}", shape, "float32") for i, shape in enumerate(shapes)
    )
    parameters = [p for _, p in model.named_parameters()]
    choice = OptimizerChoice(name=optimizer, lr=0.01, options=options)
    built, _ = build_optimizer(parameters, choice)
    return capture_step(built, model=model)


def planned(program: StepProgram, rows: int, cols: int, **keywords) -> StepPlan:
    held = holdings(program)
    placement = place(
        program.parameters,
        WSE2.scaled(rows, cols),
        bytes_per_parameter=load_per_element(program, held),
        forms=tensor_forms(program),
    )
    return plan_step(program, placement, **keywords)


def test_sgd_without_momentum_on_one_pe_holds_weight_and_gradient():
    memory = planned(program_of([(10, 3)], "SGD", momentum=0.0), 1, 1).memory
    assert memory.at(0, 0) == {
        "weights": 120,
        "gradients": 120,
        "optimizer_state": 0,
        "temporaries": memory.at(0, 0)["temporaries"],
        "activations": 0,
        "reserved": 8192,
    }


def test_adam_holds_two_means_and_its_powers_on_every_pe_with_an_element():
    # 5 elements on 2 x 3 PEs: five PEs hold one each, the sixth nothing
    program = program_of([(5,)])
    memory = planned(program, 2, 3).memory
    powers = sum(v.numel == 1 and v.name.endswith("_power") for v in program.values)
    assert powers == 2
    assert memory.weights.tolist() == [[4, 4, 4], [4, 4, 0]]
    assert memory.optimizer_state.tolist() == [[16, 16, 16], [16, 16, 0]]
    assert memory.used_pes == 5


def test_adafactor_keeps_row_and_column_statistics_on_every_pe_that_needs_them():
    program = program_of([(6, 4)], "Adafactor")
    plan = planned(program, 2, 2)
    # blocks of 3 x 2: three row statistics and two column statistics, 4 bytes each
    scalars = sum(
        4 for v in program.values if v.parameter == 0 and v.numel == 1 and v.kind.value == "state"
    )
    assert plan.memory.optimizer_state.tolist() == [[20 + scalars] * 2] * 2


def test_adafactor_keeps_the_statistics_of_kernels_where_the_kernels_are():
    program = program_of([(5, 1, 3, 2)], "Adafactor")
    plan = planned(program, 2, 2)
    # two kernels of 3 x 2 on the first PE, one on the others: 3 + 2 statistics each, 4 bytes each
    scalars = sum(
        4 for v in program.values if v.parameter == 0 and v.numel == 1 and v.kind.value == "state"
    )
    assert plan.memory.weights.tolist() == [[48, 24], [24, 24]]
    assert plan.memory.optimizer_state.tolist() == [
        [40 + scalars, 20 + scalars],
        [20 + scalars, 20 + scalars],
    ]


@pytest.mark.parametrize("kernels", [2, 7, 40])
@pytest.mark.parametrize("strip", [8, 16, 1_000])
def test_adafactor_holds_the_means_of_kernels_beside_the_squares(kernels: int, strip: int):
    """The fullest moment of kernels of 3 x 2: squares, row factors and column factors of all.

    Statistics come and go with strips, as many whole ones with each.
    """
    costs = planned(program_of([(kernels, 1, 3, 2)], "Adafactor"), 1, 1).costs
    piece = Piece(6 * kernels, 3 * kernels, 2 * kernels, matrices=kernels)
    length = min(strip, piece.elements)
    passes = -(-piece.elements // length)
    rows, cols = (-(-side // passes) * passes for side in (piece.rows, piece.cols))
    assert costs.temporary_bytes(0, piece, strip) == 4 * (passes * length + rows + cols)


def test_precision_decides_bytes_and_mixed_keeps_a_compute_copy():
    program = program_of([(64, 8)])
    held = holdings(program, parse_precision("mixed"))[0]
    assert held.element_bytes == {"weights": 4 + 2, "gradients": 2, "optimizer_state": 8}
    assert held.bytes_per_element == 16  # arXiv:1910.02054, section 3.1
    held = holdings(program, parse_precision("bfloat16"))[0]
    assert held.bytes_per_element == 8
    held = holdings(program, parse_precision("mixed", state="bfloat16", gradient="float32"))[0]
    assert held.element_bytes == {"weights": 6, "gradients": 4, "optimizer_state": 4}


def test_sparse_tensors_store_kept_values_with_one_index():
    program = program_of([(64, 8)])
    states = {0: frozenset({"exp_avg", "exp_avg_sq"})}
    held = holdings(program, sparse_states=states)
    placement = place(program.parameters, WSE2.scaled(2, 2))
    sparsity = Sparsity(kept={0: 128})
    memory = plan_resident(program, placement, held=held, sparsity=sparsity)
    assert memory.totals["weights"] == 128 * (4 + 2)
    assert memory.totals["gradients"] == 128 * 4
    assert memory.weights.tolist() == [[32 * 6] * 2] * 2


def test_activations_of_a_layer_are_spread_over_its_rectangle():
    program = program_of([(8, 8), (8,), (8, 8), (8,)], "SGD", momentum=0.0)
    placement = place(program.parameters, WSE2.scaled(2, 4))
    memory = plan_resident(program, placement, activation_bytes={"layer.1": 42})
    first, second = (layer.region for layer in placement.layers)
    assert memory.activations[first.slices].sum() == 0
    shares = memory.activations[second.slices]
    assert shares.sum() == 42
    assert shares.max() - shares.min() <= 1


shapes = st.lists(st.lists(st.integers(0, 9), max_size=3).map(tuple), min_size=1, max_size=6)


@settings(max_examples=20)
@given(
    shapes,
    st.integers(1, 7),
    st.integers(1, 7),
    st.sampled_from(["SGD", "AdamW", "RMSprop", "Adafactor"]),
)
def test_sums_over_pes_equal_the_bytes_of_the_model(model, rows: int, cols: int, optimizer: str):
    program = program_of(model, optimizer)
    memory: MemoryPlan = planned(program, rows, cols).memory
    elements = program.total_elements
    assert memory.totals["weights"] == 4 * elements
    assert memory.totals["gradients"] == 4 * elements
    assert memory.total_bytes == int(memory.peak_bytes.sum())
    assert memory.totals["reserved"] == 8192 * rows * cols
    assert (memory.peak_bytes >= memory.resident_bytes).all()
    assert memory.worst_bytes == memory.percentiles()[100]
    assert memory.percentiles()[0] == memory.peak_bytes.min()


def test_a_plan_one_byte_short_does_not_fit():
    program = program_of([(40, 40)], "SGD", momentum=0.0)
    memory = planned(program, 2, 2).memory
    least = memory.worst_bytes
    exact = replace(memory, capacity_bytes=least)
    short = replace(memory, capacity_bytes=least - 1)
    assert (exact.fits, exact.gap_bytes) == (True, 0)
    assert (short.fits, short.gap_bytes) == (False, 1)


def test_two_rates_are_held_once_a_pe():
    parameters = [torch.nn.Parameter(torch.empty(4, device="meta")) for _ in range(2)]
    built, _ = build_optimizer(parameters, OptimizerChoice(name="SGD", lr=0.1))
    program = capture_step(built, None)
    memory = plan_resident(program, place(program.parameters, WSE2.scaled(1, 1)))
    rates = [v for v in program.values if v.kind.value == "rate"]
    assert memory.totals["optimizer_state"] >= 4 * len(rates)


@pytest.mark.parametrize("policy", ["float31", "half"])
def test_unknown_precision_is_refused(policy: str):
    with pytest.raises(UnknownNameError, match="mixed"):
        parse_precision(policy)
