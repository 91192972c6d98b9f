"""What capture yields: the real step's ops, owners, values, on real and on meta tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import optimizers
import schedulers
from wse_emulator.capture.step import capture_step
from wse_emulator.program import StepProgram, ValueKind


def network(device: str) -> nn.Module:
    with torch.device(device):
        return nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 1, bias=False))


def capture(device: str, **options: object) -> StepProgram:
    model = network(device)
    optimizer = optimizers.AdamW(model.parameters(), weight_decay=0.1, **options)  # type: ignore[arg-type]
    scheduler = schedulers.LinearLR(optimizer, 1e-3, 0.0, 100)
    return capture_step(optimizer, scheduler, model=model)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_program_of_adamw_is_the_same_on_real_and_meta_tensors(device: str) -> None:
    program, reference = capture(device), capture("cpu")
    assert program == reference


def test_ops_come_in_step_order_with_the_schedule_first() -> None:
    program = capture("meta")
    assert [op.index for op in program.ops] == list(range(len(program.ops)))
    assert program.schedule_ops > 0
    assert all(op.owner is None for op in program.ops[: program.schedule_ops])
    owners = [op.owner for op in program.ops[program.schedule_ops :]]
    assert owners == sorted(owners, key=lambda owner: -1 if owner is None else owner)
    assert set(owners) == {0, 1, 2}


def test_every_parameter_issues_the_same_ops() -> None:
    program = capture("meta")
    names = [[op.name for op in program.ops_of(i)] for i in range(3)]
    assert names[0] == names[1] == names[2]
    assert "aten.sqrt.default" in names[0]


def test_values_know_what_they_are() -> None:
    program = capture("meta")
    kinds = {v.name: v.kind for v in program.values}
    assert kinds["0.weight"] is ValueKind.PARAMETER
    assert kinds["0.weight.grad"] is ValueKind.GRADIENT
    assert kinds["0.weight.exp_avg"] is ValueKind.STATE
    assert kinds["lr[0]"] is ValueKind.RATE
    assert kinds["LinearLR.last_epoch"] is ValueKind.SCHEDULE


def test_a_scalar_for_one_parameter_belongs_to_it() -> None:
    """``1 - lr * weight_decay`` is computed where it is used, not sent from the controller."""
    program = capture("meta")
    for op in program.ops[program.schedule_ops :]:
        assert op.owner is not None, op.name


def test_amsgrad_changes_the_graph() -> None:
    plain, amsgrad = capture("meta"), capture("meta", amsgrad=True)
    assert len(amsgrad.ops) > len(plain.ops)
    assert any(v.name == "0.weight.max_exp_avg_sq" for v in amsgrad.values)


def test_a_parameter_without_gradient_issues_no_ops() -> None:
    model = network("cpu")
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    program = capture_step(optimizer, model=model)
    assert all(program.ops_of(i) for i in range(3))
    frozen = network("cpu")
    for p in list(frozen.parameters())[1:]:
        p.requires_grad_(False)
    trained = [p for p in frozen.parameters() if p.requires_grad]
    program = capture_step(optimizers.SGD(trained, lr=0.1), model=frozen)
    assert [p.name for p in program.parameters] == ["0.weight"]


def test_capture_moves_only_what_a_step_moves() -> None:
    """Two captured steps are two real steps: state counts them."""
    model = network("cpu")
    optimizer = optimizers.Adam(model.parameters(), betas=(0.5, 0.999))
    capture_step(optimizer, model=model, steps=2)
    power = optimizer.state[next(model.parameters())]["beta1_power"]
    assert float(power) == pytest.approx(0.5**3)
