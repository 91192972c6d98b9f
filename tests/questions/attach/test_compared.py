"""What ``attach`` compares in which step, what breaks a rule there, and what is then put back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import optimizers
import schedulers
import wse_emulator
from tests.questions.attach.loops import Momentum, attached, backward, network, train
from wse_emulator.errors import (
    DoesNotFitError,
    GraphChangedError,
    HostSyncError,
    InputError,
    OverlapError,
    ParameterReplacedError,
    ParametersChangedError,
    PythonNumberChangedError,
    RateChangedError,
    StateCreatedError,
    StateReplacedError,
    StaticRuleError,
)
from wse_emulator.questions.attach.facts import is_compared_whole

QUICK, WHOLE = 13, 16
"""A step of which the cheap facts are compared, and one that is compared op by op."""


def tensors_of(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state = [x for held in optimizer.state.values() for x in held.values()]
    return [x.detach().clone() for x in (*parameters, *state) if isinstance(x, torch.Tensor)]


def adds_a_group(optimizer: Momentum) -> None:
    added = nn.Parameter(torch.zeros(2))
    added.grad = torch.zeros(2)
    optimizer.add_param_group({"params": [added]})
    optimizer.state[added]["momentum"] = torch.zeros(2)


BREAKS: dict[str, tuple[type[StaticRuleError], Callable[[Momentum, nn.Parameter], object]]] = {
    "one write more": (GraphChangedError, lambda _, p: p.mul_(0.5)),
    "other state": (
        StateReplacedError,
        lambda o, p: o.state[p].update(momentum=o.state[p]["momentum"] * 1),
    ),
    "new state": (StateCreatedError, lambda o, p: o.state[p].update(late=torch.zeros(2))),
    "new number": (StateCreatedError, lambda o, p: o.state[p].update(late=1)),
    "other storage": (ParameterReplacedError, lambda _, p: setattr(p, "data", p.data.clone())),
    "another group": (ParametersChangedError, lambda o, _: adds_a_group(o)),
    "another rate": (RateChangedError, lambda o, _: o.param_groups[0].update(lr=0.05)),
}


@pytest.mark.parametrize("at", [3, QUICK, WHOLE])
@pytest.mark.parametrize("what", BREAKS)
def test_what_the_cheap_facts_show_is_raised_in_that_step(what: str, at: int) -> None:
    error, extra = BREAKS[what]
    model = network()
    optimizer = Momentum(model.parameters(), extra, at)
    attached(optimizer, model=model)
    train(model, optimizer, range(at - 1))
    with pytest.raises(error) as caught:
        train(model, optimizer, range(at - 1, at))
    assert caught.value.remedy


def test_a_read_of_a_value_is_seen_where_steps_are_compared_op_by_op() -> None:
    model = network()
    optimizer = Momentum(model.parameters(), lambda _, p: p.sum().item(), WHOLE)
    attached(optimizer, model=model)
    train(model, optimizer, range(WHOLE - 1))
    with pytest.raises(HostSyncError):
        train(model, optimizer, range(WHOLE - 1, WHOLE))


def test_a_number_that_changes_for_good_is_found_at_the_next_compared_step() -> None:
    class Counts(Momentum):
        @torch.no_grad()
        def step(self) -> None:  # type: ignore[override]
            super().step()
            self.param_groups[0]["params"][0].mul_(0.9 if self.steps < QUICK else 0.8)

    model = network()
    optimizer = Counts(model.parameters())
    attached(optimizer, model=model)
    with pytest.raises(PythonNumberChangedError, match=f"0.8 in step {WHOLE}"):
        train(model, optimizer, range(20))
    assert optimizer.steps == WHOLE


def test_a_number_of_the_groups_that_a_step_changes_has_the_next_one_compared() -> None:
    model = network()
    optimizer = Momentum(model.parameters(), lambda o, _: o.param_groups[0].update(decay=0), QUICK)
    attached(optimizer, model=model)
    with pytest.raises(PythonNumberChangedError, match=f"'decay'.* in step {QUICK + 1}"):
        train(model, optimizer, range(20))


def test_other_periods_than_the_stride_meet_it() -> None:
    compared = [step for step in range(1, 20_000) if is_compared_whole(step)]
    assert compared[:10] == list(range(1, 11))
    for period in (2, 3, 5, 10, 20, 50, 64, 100):
        assert {step % period for step in compared} == set(range(period))


def test_a_first_step_that_does_not_fit_is_taken_back() -> None:
    model = nn.Linear(300, 300)
    optimizer = optimizers.Adam(model.parameters())
    scheduler = schedulers.LinearLR(optimizer, 0.1, 0.0, 10)
    emulation = wse_emulator.attach(optimizer, scheduler, wafer="wse2:2x2", model=model)
    model(torch.ones(1, 300)).sum().backward()
    before = tensors_of(optimizer)
    with pytest.raises(DoesNotFitError, match="bytes"):
        optimizer.step()
    assert all(map(torch.equal, before, tensors_of(optimizer)))
    emulation.detach()
    optimizer.step()
    assert not any(map(torch.equal, before[:2], tensors_of(optimizer)))


def replaces(optimizer: Momentum, p: nn.Parameter) -> None:
    """Nearly everything that a step can do wrong."""
    p.data = p.data * 2
    optimizer.state[p]["momentum"] = torch.ones(2)
    optimizer.state[p]["late"] = 3
    optimizer.param_groups[0].update(lr=7.0, more=True)
    optimizer.more = torch.rand(2)  # type: ignore[attr-defined]
    p.grad.zero_()  # type: ignore[union-attr]
    optimizer.state[p]["momentum"] = torch.zeros_like(p)


def test_a_first_step_that_breaks_a_rule_is_taken_back() -> None:
    model = network()
    optimizer = Momentum(model.parameters(), replaces, 1)
    emulation = attached(optimizer, model=model)
    backward(model, 0)
    gradients = [p.grad for p in model.parameters()]
    before = [*tensors_of(optimizer), *(x.clone() for x in gradients if x is not None)]
    held = [list(entries) for entries in optimizer.state.values()]
    attributes, group = set(vars(optimizer)), dict(optimizer.param_groups[0])
    with pytest.raises(StaticRuleError):
        optimizer.step()
    after = [*tensors_of(optimizer), *(p.grad for p in model.parameters() if p.grad is not None)]
    assert all(map(torch.equal, before, after))
    assert [list(entries) for entries in optimizer.state.values()] == held
    assert optimizer.steps == 0
    assert set(vars(optimizer)) == attributes
    assert optimizer.param_groups[0]["lr"] == group["lr"]
    assert "more" not in optimizer.param_groups[0]
    optimizer.extra = None
    optimizer.step()
    assert len(emulation.result().steps) == 1


def resized(optimizer: Momentum, p: nn.Parameter) -> None:
    optimizer.state[p]["momentum"].resize_(3, *p.shape).zero_()


def emptied(optimizer: Momentum, p: nn.Parameter) -> None:
    optimizer.state[p]["momentum"].resize_(0)
    p.data.untyped_storage().resize_(0)
    p.data = torch.zeros(2)


@pytest.mark.parametrize(
    "moves",
    [
        resized,
        emptied,
        lambda o, p: o.state[p]["momentum"].t_(),
        lambda o, p: o.state[p]["momentum"].set_(torch.ones(7)),
        lambda o, p: setattr(o.state[p]["momentum"], "data", torch.ones(7)),
    ],
)
def test_a_tensor_that_a_refused_step_moved_lies_where_it_lay(
    moves: Callable[[Momentum, nn.Parameter], object],
) -> None:
    model = network()
    optimizer = Momentum(model.parameters())
    first = next(model.parameters())
    assert isinstance(first, nn.Parameter)
    hook = optimizer.register_step_post_hook(lambda *_: moves(optimizer, first))
    attached(optimizer, model=model)
    backward(model, 0)
    before = tensors_of(optimizer)
    with pytest.raises(StaticRuleError):
        optimizer.step()
    after = tensors_of(optimizer)
    assert [x.stride() for x in before] == [x.stride() for x in after]
    assert all(map(torch.equal, before, after))
    hook.remove()
    optimizer.step()


def test_a_missing_gradient_is_named_before_the_weights_move() -> None:
    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    attached(optimizer, model=model)
    train(model, optimizer, range(2))
    next(model.parameters()).grad = None
    before = tensors_of(optimizer)
    with pytest.raises(GraphChangedError, match=r"0\.weight has a gradient in step 1 and none in"):
        optimizer.step()
    assert all(map(torch.equal, before, tensors_of(optimizer)))
    optimizer.zero_grad(set_to_none=False)
    backward(model, 2)
    optimizer.step()


def test_hyper_parameters_that_the_loop_changes() -> None:
    """The rate is the host's; another number must not change what a step does."""
    model = network()
    optimizer = Momentum(model.parameters())
    emulation = attached(optimizer, model=model)
    train(model, optimizer, range(12))
    optimizer.param_groups[0].update(lr=0.05, seen=1)
    train(model, optimizer, range(3))
    assert emulation.result().notes[0].startswith("The loop writes 'lr' as Python numbers")
    optimizer.param_groups[0]["decay"] = 0.03
    with pytest.raises(PythonNumberChangedError, match="'decay'"):
        train(model, optimizer, range(1))


def test_a_schedule_whose_numbers_change_is_refused_at_its_update() -> None:
    class Halves(schedulers.LRScheduler):
        def __init__(self, optimizer: torch.optim.Optimizer) -> None:
            self.factor = 1.0
            super().__init__(optimizer)

        def _get_closed_form_lr(self, step: torch.Tensor) -> torch.Tensor:
            self.factor *= 0.5
            return torch.full_like(step, self.factor, dtype=torch.float32)

    class Branches(schedulers.ConstantLR):
        def step(self) -> None:
            super().step()
            if int(self.last_epoch) > 2:
                self.rate_cell.mul_(0.5)

    for kind, error in ((Halves, PythonNumberChangedError), (Branches, HostSyncError)):
        model = network()
        optimizer = optimizers.SGD(model.parameters(), lr=0.1)
        scheduler = Halves(optimizer) if kind is Halves else Branches(optimizer, 0.1)
        attached(optimizer, scheduler, model)
        with pytest.raises(error):
            train(model, optimizer, range(3), scheduler)


def test_a_group_that_is_added_is_placed_and_said() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    first, second = (list(layer.parameters()) for layer in model)
    optimizer = optimizers.AdamW(first)
    scheduler = schedulers.LinearLR(optimizer, 0.1, 0.0, 10)
    emulation = attached(optimizer, scheduler, model)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            scheduler.step()

    steps(3)
    before = emulation.result()
    optimizer.add_param_group({"params": second, "lr": optimizer.param_groups[0]["lr"]})
    steps(12)
    after = emulation.result()
    assert after.steps[:3] == before.steps
    assert len(after.steps) == 15
    assert after.steps[3].cycles > after.steps[2].cycles
    assert [t.ops > 0 for t in before.tensors] == [True, True, False, False]
    assert [t.ops > 0 for t in after.tensors] == [True] * 4
    assert after.memory.bytes["optimizer_state"] > before.memory.bytes["optimizer_state"]
    assert after.notes[0].startswith("From step 4 on the optimizer has 4 parameters instead of 2")
    assert (
        after.digest
        == wse_emulator.run(
            nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)),
            lr_schedule="linear:0.1:0:10",
            wafer="wse2:4x4",
        ).digest
    )


@pytest.mark.parametrize("what", ["parameters", "gradients"])
def test_views_of_one_buffer_are_timed_as_tensors_of_their_own(what: str) -> None:
    results = []
    for flat in (False, True):
        model = network()
        if flat and what == "parameters":
            buffer = nn.utils.parameters_to_vector(model.parameters()).detach()
            nn.utils.vector_to_parameters(buffer, model.parameters())
        optimizer = optimizers.AdamW(model.parameters())
        emulation = attached(optimizer, model=model)
        for step in range(12):
            optimizer.zero_grad()
            backward(model, step)
            if flat and what == "gradients" and step % 3:
                buffer, at = torch.zeros(64), step  # buckets are made anew, elsewhere
                for p in model.parameters():
                    view = buffer[at : at + p.numel()].view_as(p).copy_(p.grad)  # type: ignore[arg-type]
                    p.grad, at = view, at + p.numel()
            optimizer.step()
        results.append((emulation.result().digest, emulation.result().memory))
    assert results[0] == results[1]


def test_parameters_with_common_elements_are_refused_before_the_first_step() -> None:
    model = nn.Module()
    flat = torch.ones(15)
    model.a, model.b = nn.Parameter(flat[:12]), nn.Parameter(flat[11:])
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    attached(optimizer, model=model)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    with pytest.raises(OverlapError, match="b and a have elements in common"):
        optimizer.step()
    assert torch.equal(flat, torch.ones(15))


@pytest.mark.parametrize("made", ["before the step", "by its closure"])
def test_sparse_gradients_are_refused_by_name(made: str) -> None:
    model = nn.Embedding(5, 3, sparse=True)
    optimizer = Momentum(model.parameters())
    attached(optimizer, model=model)

    def closure() -> torch.Tensor:
        loss = model(torch.tensor([1, 2])).sum()
        loss.backward()
        assert isinstance(loss, torch.Tensor)
        return loss

    if made == "before the step":
        closure()
    given = closure if made == "by its closure" else None
    with pytest.raises(InputError, match="the gradient of weight is sparse"):
        optimizer.step(given)
