"""A program repeated from one tensor of each kind equals a capture of the whole model."""

from __future__ import annotations

import pytest

from wse_emulator.capture.built import step_program
from wse_emulator.capture.step import capture_step
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.optimizer import build_optimizer, optimizer_classes
from wse_emulator.inputs.read import read
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.plan.known import capture_inputs
from wse_emulator.program import StepProgram, ValueKind
from wse_emulator.request import OptimizerChoice

MODEL = ModelShapes(
    name="mine",
    parameters=tuple(
        TensorShape(f"h.{i}.{name}", shape, "float32")
        for i in range(3)
        for name, shape in (("w", (6, 4)), ("b", (6,)), ("v", (4, 6)), ("s", ()))
    ),
)


def captured_whole(model: ModelShapes, choice: OptimizerChoice) -> StepProgram:
    module = MetaModel(model.parameters)
    optimizer, _ = build_optimizer(module.parameters(), choice)
    return capture_step(optimizer, model=module)


def described(program: StepProgram) -> tuple[object, ...]:
    """All that a program says, with values named by what they are, not by their numbers."""

    def name(index: int) -> tuple[object, ...]:
        value = program.values[index]
        known = value.kind is not ValueKind.TEMPORARY and not value.name.startswith("constant")
        label = value.name if known else ""
        return (label, value.kind, value.parameter, value.shape, value.dtype)

    ops = [
        (
            op.name,
            op.owner,
            [name(i) for i in op.reads],
            [name(i) for i in op.writes],
            op.shape,
            op.dtype,
            op.arguments,
            op.read_shapes,
            op.read_strides,
            op.read_offsets,
        )
        for op in program.ops
    ]
    values = sorted(map(repr, (name(v.index) for v in program.values)))
    return program.parameters, ops, values, program.schedule_ops, program.optimizer


@pytest.mark.parametrize("optimizer", sorted(optimizer_classes()))
def test_repeating_equals_capturing(optimizer: str):
    choice = OptimizerChoice(name=optimizer, lr=0.01)
    assert described(step_program(MODEL, choice)) == described(captured_whole(MODEL, choice))


def test_values_and_ops_are_indexed_by_position():
    program = step_program(MODEL, OptimizerChoice())
    assert [op.index for op in program.ops] == list(range(len(program.ops)))
    assert [value.index for value in program.values] == list(range(len(program.values)))


def test_frozen_parameters_are_weights_alone():
    frozen = ModelShapes(
        name="adapter",
        parameters=(
            TensorShape("base.w", (8, 8), "float32", requires_grad=False),
            TensorShape("adapter.w", (8, 2), "float32"),
        ),
    )
    program = step_program(frozen, OptimizerChoice())
    assert [p.has_gradient for p in program.parameters] == [False, True]
    of_base = [v.kind for v in program.values if v.parameter == 0]
    assert of_base == [ValueKind.PARAMETER]
    all_frozen = ModelShapes(name="f", parameters=frozen.parameters[:1])
    assert step_program(all_frozen, OptimizerChoice()).ops == ()


def test_sparse_states_are_what_the_optimizer_says():
    captured = capture_inputs(read(Given(model=MODEL)))
    assert captured.sparse_states >= {"exp_avg", "exp_avg_sq"}
