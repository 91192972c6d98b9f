"""``attach`` keeps its promise: a loop stays as it is, whatever it does around its steps."""

from __future__ import annotations

import copy
import io
import pickle
import traceback
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn

import optimizers
import schedulers
from tests.questions.attach.loops import Loop, Momentum, attached, backward, both, network, train
from wse_emulator.errors import InputError


class SkipBatchError(Exception):
    """What a user's closure raises."""


@pytest.mark.parametrize("steps", [(0, 1), (1, 5, 13)])  # traced ones, and a plain one
def test_what_a_closure_raises_comes_out_as_it_is_and_the_loop_goes_on(
    steps: tuple[int, ...],
) -> None:
    raised = []

    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = optimizers.AdamW(model.parameters())
        emulation = attached(optimizer, model=model) if is_attached else None
        for step in range(15):

            def closure(step: int = step) -> torch.Tensor:
                optimizer.zero_grad()
                if step in steps:
                    raised.append(SkipBatchError(step))
                    raise raised[-1] from KeyError("cause")
                return backward(model, step)

            if step not in steps:
                optimizer.step(closure)
                continue
            with pytest.raises(SkipBatchError) as caught:
                optimizer.step(closure)
            assert caught.value is raised[-1]
            assert isinstance(caught.value.__cause__, KeyError)
            assert caught.value.__suppress_context__
            assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "closure"
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 15 - len(steps)


@pytest.mark.parametrize("at", [1, 3, 13])
def test_what_a_step_raises_comes_out_as_it_is_and_the_step_is_not_counted(at: int) -> None:
    def fail(_: Momentum, __: nn.Parameter) -> None:
        raise ZeroDivisionError("in the step")

    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = Momentum(model.parameters(), fail, at)
        emulation = attached(optimizer, model=model) if is_attached else None
        train(model, optimizer, range(at - 1))
        with pytest.raises(ZeroDivisionError, match="in the step"):
            train(model, optimizer, range(at - 1, at))
        train(model, optimizer, range(at, 15))
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 14


def test_what_a_scheduler_raises_comes_out_as_it_is() -> None:
    class Ends(schedulers.ConstantLR):
        def step(self) -> None:
            if int(self.last_epoch) == 2:
                raise StopIteration("the schedule is over")
            super().step()

    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    scheduler = Ends(optimizer, 0.1)
    emulation = attached(optimizer, None, model)
    with pytest.raises(StopIteration, match="over"):
        train(model, optimizer, range(4), scheduler)
    emulation.detach()
    attached(optimizer, scheduler, model)
    with pytest.raises(StopIteration, match="over"):
        scheduler.step()


TORCH_SCHEDULES: dict[str, Callable[[torch.optim.Optimizer], object]] = {
    "step": lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    "one cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=40),
    "sequential": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [
            torch.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 5),
            torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
        ],
        [5],
    ),
}


@pytest.mark.parametrize("name", TORCH_SCHEDULES)
@pytest.mark.parametrize("built", ["before", "after", "in the loop"])
def test_schedules_of_torch_are_taken_as_numbers(name: str, built: str) -> None:
    rates: list[list[float]] = []

    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = optimizers.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
        scheduler = TORCH_SCHEDULES[name](optimizer) if built == "before" else None
        emulation = attached(optimizer, scheduler, model) if is_attached else None
        if built == "in the loop":
            train(model, optimizer, range(2))
        scheduler = scheduler or TORCH_SCHEDULES[name](optimizer)
        used = []
        for step in range(14):
            used += scheduler.get_last_lr()  # type: ignore[attr-defined]
            train(model, optimizer, range(step, step + 1), scheduler)
        rates.append(used)
        return Loop(model, emulation)

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*optimizer.step.*")  # torch's own check of order
        warnings.filterwarnings("ignore", message=".*epoch parameter.*")  # torch's SequentialLR
        result = both(run).result()
    assert rates[0] == rates[1] == [s.learning_rate for s in result.steps][-14:]
    assert len({s.cycles for s in result.steps}) == 1
    said = result.notes[0]
    assert "as numbers that the host sends" in said
    assert "'lr'" in said
    assert ("With schedulers." in said) == (built == "before")
    assert ("'momentum'" in said) == (name == "one cycle")


def test_numbers_of_the_host_are_followed_through_the_arithmetic_of_a_step() -> None:
    class Computes(Momentum):
        @torch.no_grad()
        def step(self) -> None:  # type: ignore[override]
            for group in self.param_groups:
                lr, decay = group["lr"], group["decay"]
                for p in group["params"]:
                    p.mul_(1 - lr * decay)
                    p.add_(p.grad, alpha=-(lr**0.5) / (2 + lr))
                    p.add_(p.grad * torch.tensor(lr), alpha=-1.0)
                    p.sub_(torch.full((), lr - decay))

    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = Computes(model.parameters())
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        emulation = attached(optimizer, scheduler, model) if is_attached else None
        train(model, optimizer, range(17), scheduler)
        assert type(optimizer.param_groups[0]["lr"]) is float
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 17


def test_a_schedule_is_given_what_the_loop_gives_it() -> None:
    class Told(schedulers.ConstantLR):
        def step(self, metric: float = 0.0, *, epoch: int = 0) -> str:  # type: ignore[override]
            super().step()
            return f"{metric} {epoch}"

    model = network()
    optimizer = optimizers.SGD(model.parameters(), lr=0.1)
    scheduler = Told(optimizer, 0.1)
    attached(optimizer, scheduler, model)
    assert scheduler.step(0.5, epoch=3) == "0.5 3"
    assert scheduler.step(metric=2.0) == "2.0 0"
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        torch.optim.SGD(model.parameters(), lr=0.1), patience=0
    )
    attached(plateau.optimizer, plateau, model)
    for _ in range(2):
        plateau.step(torch.tensor(1.0))
    assert plateau.get_last_lr() == pytest.approx([0.01])
    assert "step" not in plateau.state_dict()  # which holds all attributes


def test_copies_are_plain_and_a_copied_emulation_is_a_record() -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters())
    scheduler = schedulers.LinearLR(optimizer, 0.1, 0.0, 10)
    emulation = attached(optimizer, scheduler, model)
    train(model, optimizer, range(2), scheduler)
    everything = (model, optimizer, scheduler, emulation)
    copies = [copy.deepcopy(everything), pickle.loads(pickle.dumps(everything))]
    train(model, optimizer, range(2, 4), scheduler)
    for copied, its_optimizer, its_scheduler, its_emulation in copies:
        train(copied, its_optimizer, range(2, 4), its_scheduler)
        for a, b in zip(model.parameters(), copied.parameters(), strict=True):
            assert torch.equal(a, b)
        assert its_emulation.result().digest == emulation.result().digest
        assert len(its_emulation.result().steps) == 2
        its_emulation.detach()
        attached(its_optimizer, its_scheduler, copied).detach()
    assert len(emulation.result().steps) == 4
    alone = copy.deepcopy(optimizer)
    alone.step()
    assert len(emulation.result().steps) == 4


def test_a_record_keeps_no_reference_to_the_memory_of_the_loop() -> None:
    class Reads(Momentum):
        table = torch.tensor([-0.1, -0.2])

        @torch.no_grad()
        def step(self) -> None:  # type: ignore[override]
            for p in self.param_groups[0]["params"]:
                p.addcmul_(p.grad, self.table[0] * torch.tensor(0.5))

    model = network()
    optimizer = Reads(model.parameters())
    emulation = attached(optimizer, model=model)
    train(model, optimizer, range(3))
    assert b"StorageWeakRef" not in pickle.dumps(emulation._record)
    assert copy.deepcopy(emulation).result().digest == emulation.result().digest


def test_a_copied_emulation_of_torch_s_objects_steps_too() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    emulation = attached(optimizer, scheduler, model)
    train(model, optimizer, range(2), scheduler)
    copied, its_optimizer, its_scheduler = copy.deepcopy((model, optimizer, scheduler))
    train(copied, its_optimizer, range(2, 4), its_scheduler)
    torch.save([optimizer.state_dict(), scheduler.state_dict()], io.BytesIO())
    assert len(emulation.result().steps) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_emulations_that_share_a_scheduler_are_detached_in_any_order(
    order: tuple[int, int],
) -> None:
    model, other = network(), network()
    pair = [optimizers.SGD(m.parameters(), lr=0.1) for m in (model, other)]
    scheduler = schedulers.LinearLR(pair[0], 0.1, 0.0, 10)
    emulations = [attached(optimizer, scheduler) for optimizer in pair]
    train(model, pair[0], range(2), scheduler)
    emulations[order[0]].detach()
    train(model, pair[0], range(2), scheduler)
    emulations[order[1]].detach()
    emulations[order[0]].detach()  # once more
    assert not any("step" in vars(owner) for owner in (*pair, scheduler))
    train(model, pair[0], range(2), scheduler)
    assert scheduler.get_last_lr() == pytest.approx([0.04])
    assert len(emulations[0].result().steps) == (4 if order[0] else 2)


def test_detach_under_a_function_that_a_schedule_of_torch_put_around_step() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    emulation = attached(optimizer, model=model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    train(model, optimizer, range(2), scheduler)
    with pytest.raises(InputError, match="attached"):
        attached(optimizer)
    emulation.detach()
    train(model, optimizer, range(2), scheduler)
    again = attached(optimizer, scheduler, model)
    train(model, optimizer, range(3), scheduler)
    assert (len(emulation.result().steps), len(again.result().steps)) == (2, 3)


def test_a_step_that_was_taken_out_before_is_said_not_to_be_counted() -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters())
    taken_out = optimizer.step
    emulation = attached(optimizer, model=model)
    train(model, optimizer, range(2))
    taken_out()
    result = emulation.result()
    assert len(result.steps) == 2
    assert result.notes[-1].endswith("from before attach() are not counted: 1.")


def test_hooks_scaled_losses_clipping_and_accumulation_go_on_as_before() -> None:
    called: list[str] = []

    def run(is_attached: bool) -> Loop:
        called.clear()
        model = network()
        optimizer = optimizers.AdamW(model.parameters())
        optimizer.register_step_pre_hook(lambda *_: called.append("before"))
        optimizer.register_step_post_hook(lambda *_: called.append("after"))
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        emulation = attached(optimizer, model=model) if is_attached else None
        for step in range(13):
            for part in range(2):
                scaler.scale(model(torch.full((2, 3), 0.1 * (step + part))).sum()).backward()
            if step == 4:
                next(model.parameters()).grad.fill_(torch.inf)  # type: ignore[union-attr]
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)  # leaves step 4 out
            scaler.update()
            optimizer.zero_grad(set_to_none=step % 2 == 0)
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 12
    assert called == ["before", "after"] * 12


def test_a_closure_that_is_called_twice_with_different_weights() -> None:
    class Sharp(Momentum):
        """The step of sharpness-aware minimisation."""

        @torch.no_grad()
        def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:  # type: ignore[override]
            loss = torch.enable_grad()(closure)()
            parameters = [p for group in self.param_groups for p in group["params"]]
            for p in parameters:
                p.add_(self.state[p]["momentum"].copy_(p.grad).mul_(0.05))
            torch.enable_grad()(closure)()
            for p in parameters:
                p.sub_(self.state[p]["momentum"])
                p.add_(p.grad, alpha=-0.1)
            return loss

    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = Sharp(model.parameters())
        emulation = attached(optimizer, model=model) if is_attached else None
        for step in range(13):

            def closure(step: int = step) -> torch.Tensor:
                optimizer.zero_grad()
                return backward(model, step)

            assert optimizer.step(closure).item() > 0
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 13


@pytest.mark.parametrize("first_gradients", ["before the closure", "in the closure"])
def test_the_gradients_of_a_closure_count_once(first_gradients: str) -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters())
    emulation = attached(optimizer, model=model)
    if first_gradients == "before the closure":
        backward(model, 0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        return backward(model, 0)

    for _ in range(3):
        optimizer.step(closure)
    held = emulation.result().memory.bytes
    assert held["gradients"] == held["weights"]


@pytest.mark.parametrize("copied", [optimizers.AdamW, Momentum])
def test_a_state_is_loaded_between_steps(copied: type[torch.optim.Optimizer]) -> None:
    def run(is_attached: bool) -> Loop:
        model = network()
        optimizer = copied(model.parameters())  # type: ignore[call-arg]
        emulation = attached(optimizer, model=model) if is_attached else None
        train(model, optimizer, range(11))
        saved = copy.deepcopy(optimizer.state_dict())
        train(model, optimizer, range(11, 13))
        optimizer.load_state_dict(saved)
        train(model, optimizer, range(13, 15))
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 15


@pytest.mark.filterwarnings("ignore:.*eps is added")
def test_an_optimizer_converted_from_torch() -> None:
    def run(is_attached: bool) -> Loop:
        model = network()
        before = torch.optim.AdamW(model.parameters(), lr=0.01)
        train(model, before, range(2))
        optimizer = optimizers.from_torch(before)
        emulation = attached(optimizer, model=model) if is_attached else None
        train(model, optimizer, range(2, 14))
        return Loop(model, emulation)

    assert len(both(run).result().steps) == 12


def test_steps_before_the_first_gradient_are_not_counted() -> None:
    model = network()
    optimizer = optimizers.AdamW(model.parameters())
    emulation = attached(optimizer, model=model)
    optimizer.step()
    train(model, optimizer, range(2))
    result = emulation.result()
    assert len(result.steps) == 2
    assert "not counted, since they do nothing: 1." in result.notes[0]
