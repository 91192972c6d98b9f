"""``attach``: the user's loop stays as it is, numbers included, and every step is timed."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import optimizers
import schedulers
import wse_emulator
from scenarios.small_mlp_trains import train
from wse_emulator.errors import (
    DoesNotFitError,
    GraphChangedError,
    HiddenStateError,
    InputError,
    StateCreatedError,
    UnknownNameError,
)


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def backward(model: nn.Module, step: int) -> torch.Tensor:
    x = torch.linspace(-1, 1, 12).reshape(4, 3) * (step + 1)
    loss = model(x).pow(2).mean()
    loss.backward()
    assert isinstance(loss, torch.Tensor)
    return loss


def test_200_steps_train_and_equal_the_plain_loop_bit_for_bit() -> None:
    emulated, plain = train(200, wafer="wse2:8x6"), train(200, wafer=None)
    assert emulated.losses == plain.losses
    assert emulated.losses[-1] < emulated.losses[0] / 20
    for a, b in zip(emulated.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(a, b)
    result = emulated.result
    assert result is not None
    assert len(result.steps) == 200
    assert len({step.cycles for step in result.steps}) == 1
    assert result.steps[0].cycles > 0


def test_recorded_rates_are_those_the_steps_used() -> None:
    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    scheduler = schedulers.LinearLR(optimizer, 1.0, 0.0, 10)
    emulation = wse_emulator.attach(optimizer, scheduler, wafer="wse2:4x4", model=model)
    expected = []
    for step in range(5):
        backward(model, step)
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    result = emulation.result()
    assert [s.learning_rate for s in result.steps] == expected
    assert [t.name for t in result.tensors] == [name for name, _ in model.named_parameters()]


def test_attach_times_a_step_as_run_does() -> None:
    """The captured program is the same, so the cycles and the digest are."""
    model = network()
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
    scheduler = schedulers.LinearLR(optimizer, 1.0, 0.0, 10)
    emulation = wse_emulator.attach(optimizer, scheduler, wafer="wse2:4x4", model=model)
    for step in range(2):
        backward(model, step)
        optimizer.step()
        scheduler.step()
    ran = wse_emulator.run(network(), lr_schedule="linear:1:0:10", wafer="wse2:4x4")
    assert emulation.result().digest == ran.digest


def test_detach_leaves_the_objects_as_they_were() -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters())
    scheduler = schedulers.ConstantLR(optimizer, 0.1)
    before = set(vars(optimizer)), set(vars(scheduler)), optimizer.step, scheduler.step
    emulation = wse_emulator.attach(optimizer, scheduler, wafer="wse2:4x4")
    backward(model, 0)
    optimizer.step()
    emulation.detach()
    assert (set(vars(optimizer)), set(vars(scheduler)), optimizer.step, scheduler.step) == before
    steps = len(emulation.result().steps)
    backward(model, 1)
    optimizer.step()
    assert len(emulation.result().steps) == steps
    copy.deepcopy(optimizer)


def test_a_closure_runs_once_with_gradients_and_its_ops_are_no_part_of_the_step() -> None:
    plain, emulated = network(), network()
    results = []
    for model in (plain, emulated):
        optimizer = optimizers.SGD(model.parameters(), lr=0.1, momentum=0.9)
        emulation = wse_emulator.attach(optimizer, wafer="wse2:4x4") if model is emulated else None
        calls = 0
        for step in range(3):

            def closure(model: nn.Module = model, step: int = step) -> torch.Tensor:
                nonlocal calls
                calls += 1
                model.zero_grad()
                return backward(model, step)

            loss = optimizer.step(closure)
            assert isinstance(loss, torch.Tensor)
        assert calls == 3
        if emulation is not None:
            results.append(emulation.result())
    for a, b in zip(plain.parameters(), emulated.parameters(), strict=True):
        assert torch.equal(a, b)
    assert len(results[0].steps) == 3
    assert {op.name for op in results[0].ops} <= {"add", "mul", "addcmul", "sub", "copy", "lerp"}


def test_an_optimizer_that_breaks_a_rule_is_stopped_at_its_first_step() -> None:
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    wse_emulator.attach(optimizer, wafer="wse2:4x4", model=model)
    backward(model, 0)
    with pytest.raises(StateCreatedError, match=r"exp_avg.*0\.weight"):
        optimizer.step()


def test_a_tensor_that_outlives_a_step_is_refused_in_the_next_one() -> None:
    class Keeps(optimizers.SGD):
        momentum: torch.Tensor | None = None

        @torch.no_grad()
        def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002
            for p in self.param_groups[0]["params"]:
                before = p.grad if self.momentum is None else self.momentum
                self.momentum = before * 0.9 + p.grad
                p.sub_(self.momentum)

    model = nn.Linear(4, 4, bias=False)
    optimizer = Keeps(model.parameters(), lr=0.1)
    wse_emulator.attach(optimizer, wafer="wse2:4x4", model=model)
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    with pytest.raises(HiddenStateError, match=r"that step 1 made, test_attach\.py:\d+.*momentum"):
        optimizer.step()


def test_a_gradient_missing_in_a_later_step_changes_the_graph() -> None:
    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    wse_emulator.attach(optimizer, wafer="wse2:4x4", model=model)
    backward(model, 0)
    optimizer.step()
    next(model.parameters()).grad = None
    with pytest.raises(GraphChangedError):
        optimizer.step()


def test_a_model_too_large_for_the_wafer_is_stopped() -> None:
    model = nn.Linear(300, 300)
    optimizer = optimizers.Adam(model.parameters())
    wse_emulator.attach(optimizer, wafer="wse2:2x2", model=model)
    model(torch.ones(1, 300)).sum().backward()
    with pytest.raises(DoesNotFitError, match="bytes"):
        optimizer.step()


def test_steps_by_lists_of_torch_are_timed_as_those_by_tensors() -> None:
    cycles = []
    for listed in (False, True):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, foreach=listed)
        emulation = wse_emulator.attach(optimizer, wafer="wse2:4x4", model=model)
        backward(model, 0)
        optimizer.step()
        cycles.append(emulation.result().steps[0].cycles)
    assert cycles[0] == cycles[1]


def test_check_and_run_judge_an_attached_optimizer_as_a_plain_one() -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
    scheduler = schedulers.LinearLR(optimizer, 1e-3, 0.0, total_iters=10)
    emulation = wse_emulator.attach(optimizer, scheduler, wafer="wse2:4x4", model=model)
    torch.optim.lr_scheduler.ConstantLR(optimizer)  # puts a function around the step
    assert wse_emulator.check(optimizer, scheduler, model=model).violations == ()
    assert wse_emulator.run(model, optimizer=optimizer, wafer="wse2:4x4").fits
    with pytest.raises(InputError, match="no step has run"):
        emulation.result()


def test_misuse_is_said_plainly() -> None:
    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    emulation = wse_emulator.attach(optimizer, wafer="wse2:4x4")
    with pytest.raises(InputError, match="no step has run"):
        emulation.result()
    with pytest.raises(InputError, match="attached"):
        wse_emulator.attach(optimizer, wafer="wse2:4x4")
    emulation.detach()
    wse_emulator.attach(optimizer, wafer="wse2:4x4").detach()


def test_an_unknown_engine_is_refused_before_the_first_step() -> None:
    optimizer = optimizers.AdamW([torch.nn.Parameter(torch.ones(4))])
    with pytest.raises(UnknownNameError, match="unknown engine 'pee'"):
        wse_emulator.attach(optimizer, engine="pee")
    assert "step" not in vars(optimizer)
