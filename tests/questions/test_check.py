"""What ``check`` says of an optimizer, and that it leaves alone what it is given."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import optimizers
from tests.capture import reached_from_outside as outside
from tests.capture.reached_from_outside import Momentum
from wse_emulator.errors import FactoryError, InputError, NotJudgedError
from wse_emulator.questions import check as question
from wse_emulator.questions.check import check

STEPS = 4


def net(size: int = 12) -> nn.Sequential:
    """Its matrices are too large to keep values in a copy without values."""
    return nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, size))


def rules(optimizer: torch.optim.Optimizer, *, real: bool = False) -> set[str]:
    return {v.rule for v in check(optimizer, steps=STEPS, real=real).violations}


@pytest.fixture(params=[False, True], ids=["bare", "real"])
def real(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# --- what is given stays as it is ---


def test_parameters_gradients_state_schedule_and_random_numbers_stay(real: bool) -> None:
    model = net()
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    model(torch.randn(2, 12)).sum().backward()
    optimizer.step()
    step = optimizer.step

    def now() -> list[object]:
        held: list[object] = [random.getstate(), np.random.get_state()[1].tolist()]  # noqa: NPY002
        held += [torch.get_rng_state().tolist(), schedule.state_dict(), optimizer.step == step]
        for p in model.parameters():
            assert p.grad is not None
            state = optimizer.state[p]
            held += [id(p), p.data_ptr(), p.tolist(), id(p.grad), p.grad.tolist(), list(state)]
            held += [(id(x), x.tolist()) for x in state.values()]
        return held

    before = now()
    assert not check(optimizer, schedule, model=model, steps=STEPS, real=real).legal
    assert now() == before


@pytest.mark.parametrize("kind", outside.KINDS, ids=lambda kind: kind.__name__)
def test_what_the_code_names_globally_stays(kind: type[Momentum], real: bool) -> None:
    before = outside.everything()
    outside.constants.cache_clear()
    optimizer = kind(net().parameters())
    check(optimizer, steps=STEPS, real=real)
    assert outside.everything() == before
    assert optimizer.steps == 0


def test_a_model_that_is_larger_than_memory_is_judged() -> None:
    with torch.device("meta"):
        model = nn.Linear(10**6, 10**6)
        optimizer = optimizers.AdamW(model.parameters())
    assert check(optimizer, model=model, steps=STEPS).legal


# --- values ---


class ReadsValues(Momentum):
    """Steps only where the gradient is large."""

    def update(self, p: torch.Tensor) -> None:
        assert p.grad is not None
        if p.grad.norm() > 0.5:
            self.state[p].setdefault("unforeseen", torch.ones(3))
            super().update(p)


class CountsInPython(Momentum):
    """Makes a tensor of a Python number that changes."""

    def update(self, p: torch.Tensor) -> None:
        assert p.grad is not None
        p.addcmul_(p.grad, torch.tensor(-0.1 / self.steps, device=p.device))


def test_a_step_that_asks_for_values_is_judged_with_values(real: bool) -> None:
    found = rules(ReadsValues(net().parameters()), real=real)
    assert found == {"host-synchronisation", "state-created-in-step"}


def test_numbers_made_from_python_data_keep_their_values(real: bool) -> None:
    assert rules(CountsInPython(net().parameters()), real=real) == {"python-number-changes"}


def test_a_step_too_large_to_be_judged_with_values_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(question, "MOST_COPIED_BYTES", 100)
    report = check(ReadsValues(net().parameters()), steps=STEPS)
    assert [v.rule for v in report.violations] == ["host-synchronisation"]
    assert "--real" in report.notes[0]
    assert report.document()["notes"] == list(report.notes)


def test_parameters_without_values_cannot_be_judged_with_values() -> None:
    optimizer = ReadsValues(net().to("meta").parameters())
    report = check(optimizer, steps=STEPS)
    assert [v.rule for v in report.violations] == ["host-synchronisation"]
    assert "on the meta device" in report.notes[0]


# --- closures and metrics ---


class NeedsClosure(Momentum):
    """Asks for a closure, and uses the loss as Polyak's step size does."""

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:  # type: ignore[override]
        with torch.enable_grad():
            loss = closure()
        with torch.no_grad():
            for p in self.parameters():
                assert p.grad is not None
                p.sub_(p.grad * (loss / (p.grad * p.grad).sum()))
        return loss


class ExpectsClosure(Momentum):
    """Has a closure as an option, and cannot do without it."""

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> None:  # type: ignore[override]
        assert closure is not None, "closure"
        closure()
        super().step()


class IdleWithoutClosure(Momentum):
    """Does nothing without a closure."""

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> None:  # type: ignore[override]
        if closure is not None:
            closure()
            super().step()


@pytest.mark.parametrize("kind", [NeedsClosure, ExpectsClosure, IdleWithoutClosure])
def test_an_optimizer_that_needs_a_closure_is_given_one(kind: type[Momentum], real: bool) -> None:
    report = check(kind(net().parameters()), steps=STEPS, real=real)
    assert report.violations == ()
    assert report.verdict.startswith("Legal: ")


def test_lbfgs_reads_values() -> None:
    assert "host-synchronisation" in rules(torch.optim.LBFGS(net(6).parameters(), max_iter=2))


def test_a_scheduler_that_needs_a_metric_is_given_one(real: bool) -> None:
    optimizer = torch.optim.SGD(net().parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    assert check(optimizer, schedule, steps=2, real=real).legal  # type: ignore[arg-type]  # a metric
    later = check(optimizer, schedule, steps=5, real=real)  # type: ignore[arg-type]  # likewise
    assert [v.rule for v in later.violations] == ["python-number-changes"]


# --- what cannot be judged ---


class Raises(Momentum):
    """Has a mistake."""

    def update(self, p: torch.Tensor) -> None:
        self.missing.mul_(p)  # type: ignore[attr-defined]  # that is the mistake


class CreatesAndRaises(Momentum):
    """Breaks a rule before it fails."""

    def update(self, p: torch.Tensor) -> None:
        self.state[p].setdefault("late", torch.zeros_like(p))
        raise TypeError("not today")


class Leaves(Momentum):
    """Ends the process."""

    def update(self, p: torch.Tensor) -> None:  # noqa: ARG002  as the others
        raise SystemExit(3)


class AsksForMore(Momentum):
    """Asks for what no loop gives."""

    def step(self, loss: object, batch: object) -> None:  # type: ignore[override]
        """Nothing."""


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Raises, r"Raises.step\(\) raises AttributeError: .*missing"),
        (Leaves, r"Leaves.step\(\) raises SystemExit: 3"),
        (AsksForMore, r"AsksForMore.step\(\) raises TypeError: .*; a step may ask for a closure"),
    ],
)
def test_a_step_that_raises_by_itself_is_not_judged(
    kind: type[Momentum], says: str, real: bool
) -> None:
    with pytest.raises(NotJudgedError, match=f"could not be judged: {says}") as caught:
        check(kind(net().parameters()), steps=STEPS, real=real)
    assert caught.value.exit_code == 2


def test_a_rule_broken_before_the_step_raises_is_broken(real: bool) -> None:
    report = check(CreatesAndRaises(net().parameters()), steps=STEPS, real=real)
    assert {v.rule for v in report.violations} == {"state-created-in-step"}
    assert "TypeError: not today" in report.notes[0]


def test_what_cannot_be_copied_is_not_judged() -> None:
    optimizer = Momentum(net().parameters())
    optimizer.running = (i for i in range(9))  # type: ignore[attr-defined]  # any attribute
    with pytest.raises(NotJudgedError, match=r"generator .* cannot be copied.*wse check MODULE"):
        check(optimizer)


def test_a_parameter_without_a_size_is_refused() -> None:
    model = nn.Sequential(nn.LazyLinear(3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(InputError, match=r"parameter 0\.weight has no size before"):
        check(optimizer, model=model)


# --- a step that does nothing ---


def test_a_step_without_ops_is_said_to_be_one(real: bool) -> None:
    model = net().requires_grad_(False)
    report = check(optimizers.SGD(model.parameters(), lr=0.1), model=model, real=real)
    assert report.verdict == (
        "Nothing to judge: optimizers.sgd.SGD issues no tensor op in 16 steps."
    )
    assert report.notes == (
        "All 4 parameters of optimizers.sgd.SGD are frozen (requires_grad=False).",
    )
    assert report.legal


def test_frozen_parameters_beside_trained_ones_get_no_gradient() -> None:
    model = net()
    model[0].requires_grad_(False)
    optimizer = Momentum(model.parameters())
    optimizer.update = lambda p: p.add_(p.grad)  # type: ignore[method-assign, assignment]
    report = check(optimizer, model=model, steps=STEPS)
    assert report.legal
    assert report.notes == ()


# --- several optimizers ---


def test_each_of_several_optimizers_is_judged() -> None:
    model = net()
    bad = torch.optim.Adam(model[0].parameters())
    good = optimizers.SGD(model[2].parameters(), lr=0.1)
    for given in ([bad, good], [good, bad]):
        report = check(given, model=model, steps=STEPS)
        assert not report.legal
        assert {part.optimizer: part.legal for part in report.parts} == {
            "torch.optim.adam.Adam": False,
            "optimizers.sgd.SGD": True,
        }
        assert {part.of for part in report.parts} == {
            "0.weight and 1 more parameter",
            "2.weight and 1 more parameter",
        }
        parts = report.document()["optimizers"]
        assert isinstance(parts, list)
        assert sorted(part["legal"] for part in parts) == [False, True]


def test_each_scheduler_steps_with_its_optimizer() -> None:
    a, b = net(), net()
    first, second = (torch.optim.SGD(x.parameters(), lr=0.1) for x in (a, b))
    changes = torch.optim.lr_scheduler.ExponentialLR(second, 0.9)
    report = check([first, second], [changes], model=[a, b], steps=STEPS)
    assert [part.legal for part in report.parts] == [True, False]
    assert [part.of for part in report.parts] == [
        "models[0].0.weight and 3 more parameters",
        "models[1].0.weight and 3 more parameters",
    ]


def test_no_scheduler_of_two_is_dropped() -> None:
    optimizer = torch.optim.SGD(net().parameters(), lr=0.1)
    constant = torch.optim.lr_scheduler.StepLR(optimizer, 1_000)
    changes = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    assert check(optimizer, constant, steps=STEPS).legal
    assert not check(optimizer, [changes, constant], steps=STEPS).legal


def test_a_scheduler_of_an_optimizer_that_is_not_given_is_refused() -> None:
    given = [torch.optim.SGD(net().parameters(), lr=0.1) for _ in range(3)]
    orphan = torch.optim.lr_scheduler.StepLR(given[2], 1)
    with pytest.raises(FactoryError, match=r"StepLR whose optimizer \(SGD\) is not there"):
        check(given[:2], orphan)


def test_one_that_cannot_be_judged_beside_one_that_breaks_a_rule() -> None:
    broken, raising = torch.optim.Adam(net().parameters()), Raises(net().parameters())
    report = check([raising, broken], steps=STEPS)
    assert report.exit_code == 4
    assert report.parts[0].unjudged is not None
    parts = report.document()["optimizers"]
    assert isinstance(parts, list)
    assert [part["legal"] for part in parts] == [None, False]
    with pytest.raises(NotJudgedError, match="Raises"):
        check([raising, Momentum(net().parameters())], steps=STEPS)


def test_progress_is_told() -> None:
    told: list[str] = []
    check(optimizers.AdamW(net().parameters()), steps=8, tell=told.append)
    assert told == [f"step {number} of 8" for number in (1, 3, 5, 7)]
