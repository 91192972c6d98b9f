"""A run captured from one tensor of each kind is the run captured whole."""

from __future__ import annotations

import dataclasses
import functools

import pytest
import torch

import optimizers
from wse_emulator.capture.built import build, capture
from wse_emulator.capture.kinds import repeat_program
from wse_emulator.capture.step import capture_step
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import Inputs, read
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.plan.segments import StepSegments
from wse_emulator.program import StepProgram
from wse_emulator.questions.run import run
from wse_emulator.request import OptimizerChoice, ParameterGroup, Request
from wse_emulator.wafer.presets import WSE2

MODEL = ModelShapes(
    name="mine",
    parameters=tuple(
        TensorShape(f"h.{i}.{name}", shape, "float32")
        for i in range(3)
        for name, shape in (("w", (60, 40)), ("b", (60,)), ("v", (40, 60)))
    ),
)


def inputs(**given: object) -> Inputs:
    return read(Given(model=MODEL, **given))  # type: ignore[arg-type]  # as a test names them


def in_two_groups() -> optimizers.AdamW:
    """Tensors of one shape in two groups of unlike weight decay, turn by turn in the model."""
    weights = [torch.nn.Parameter(torch.empty(8, 4, device="meta")) for _ in range(6)]
    return optimizers.AdamW(
        [
            {"params": weights[::2], "weight_decay": 0.1},
            {"params": weights[1::2], "weight_decay": 0.0},
        ]
    )


def ops_by_value_name(program: StepProgram) -> list[tuple[object, ...]]:
    """Every op, with its values by name; temporaries, which are numbered, by shape."""

    def name(index: int) -> object:
        value = program.values[index]
        return value.shape if value.name.startswith(("%", "constant")) else value.name

    return [
        (
            op.name,
            op.owner,
            [name(i) for i in op.reads],
            [name(i) for i in op.writes],
            op.dtype,
            op.arguments,
            op.read_shapes,
            op.read_strides,
            op.read_offsets,
        )
        for op in program.ops
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "AdamW", "lr_schedule": "linear:0:0.01:20"},
        {"optimizer": "Adafactor", "lr": 0.01},
        {"optimizer": "Lamb"},
    ],
    ids=lambda given: given["optimizer"],
)
def test_a_run_has_the_digest_of_a_run_captured_whole(given, monkeypatch):
    by_kind = run(MODEL, wafer="wse2:12x16", **given)
    monkeypatch.setattr("wse_emulator.plan.known.build", functools.partial(build, whole=True))
    assert run(MODEL, wafer="wse2:12x16", **given).digest == by_kind.digest


def test_tensors_of_one_shape_in_unlike_groups_are_unlike():
    model = ModelShapes(
        name="grouped",
        parameters=tuple(TensorShape(f"h.{i}.{i % 2}", (8, 4), "float32") for i in range(6)),
    )
    plain = ParameterGroup(patterns=("*.0",), tag=None, arguments={"weight_decay": 0.0})
    choice = OptimizerChoice(groups=(plain,))
    request = Request(wafer=WSE2, optimizer=choice)
    program = capture(build(request, model))
    whole = capture(build(request, model, whole=True))
    assert [p.name for p in program.parameters] == [p.name for p in model.parameters]
    assert program.parameters == whole.parameters
    of = {p: [op for op in ops_by_value_name(program) if op[1] == p] for p in range(6)}
    assert of == {p: [op for op in ops_by_value_name(whole) if op[1] == p] for p in range(6)}
    decay = {op.arguments for op in program.ops if op.owner is not None}
    assert len(decay) > 1
    assert program.alike == (0, 1, 0, 1, 0, 1)


def test_clipping_is_captured_whole():
    clipped = capture(build(inputs(max_grad_norm=1.0).request, MODEL))
    assert clipped.alike == ()
    assert run(MODEL, max_grad_norm=1.0, wafer="wse2:12x16").steps[0].cycles > 0


def test_segments_of_a_repeated_step_are_those_of_its_own_ops():
    program = capture(build(inputs(optimizer="Lamb").request, MODEL))
    shared = StepSegments(program)
    own = StepSegments(dataclasses.replace(program, alike=()))
    assert [shared[i] for i in range(9)] == [own[i] for i in range(9)]


def test_untrained_parameters_are_alike_and_have_no_ops():
    program = capture_step(in_two_groups())
    frozen = [dataclasses.replace(p, has_gradient=False) for p in program.parameters]
    repeated = repeat_program(program, frozen)
    assert [op.owner for op in repeated.ops] == [None] * len(repeated.ops)
    assert repeated.alike == (0,) * 6
