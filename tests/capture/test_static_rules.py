"""Each static-state rule is broken by one small optimizer and named by its own error class."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import optimizers
from wse_emulator.capture.step import capture_step, judge_steps
from wse_emulator.errors import (
    ForeignWriteError,
    GraphChangedError,
    HostSyncError,
    InputError,
    NotJudgedError,
    PythonNumberChangedError,
    StateCreatedError,
    StateRemovedError,
    StateReplacedError,
    StaticRuleError,
    UnknownOpError,
)
from wse_emulator.questions.check import check


class Rule(torch.optim.Optimizer):
    """An optimizer with one state tensor, whose update is given by a function."""

    def __init__(
        self, params: object, update: Callable[[Rule, torch.Tensor, int], None], lr: float = 0.1
    ) -> None:
        super().__init__(params, {"lr": lr})  # type: ignore[arg-type]  # a generator of parameters
        self.update = update
        self.count = 0
        for p in self.param_groups[0]["params"]:
            self.state[p]["buffer"] = torch.zeros_like(p)

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002  no loss
        self.count += 1
        for p in self.param_groups[0]["params"]:
            self.update(self, p, self.count)


def legal(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    buffer = rule.state[p]["buffer"]
    buffer.mul_(0.9).add_(p.grad)
    p.add_(buffer, alpha=-0.1)


def creates(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    rule.state[p].setdefault("late", torch.zeros_like(p))


def removes(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    if count == 2:
        del rule.state[p]["buffer"]


def rebinds(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    rule.state[p]["buffer"] = rule.state[p]["buffer"] * 0.9 + p.grad
    p.add_(rule.state[p]["buffer"], alpha=-0.1)


def changes_dtype(rule: Rule, p: torch.Tensor, count: int) -> None:
    rule.state[p]["buffer"] = rule.state[p]["buffer"].double()


def branches(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    if p.grad.sum() > 0:
        p.add_(p.grad, alpha=-0.1)


def reads_item(rule: Rule, p: torch.Tensor, count: int) -> None:
    p.mul_(1.0 - rule.state[p]["buffer"].abs().max().item())


def reads_list(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    rule.state[p]["buffer"].tolist()


def reads_numpy(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    rule.state[p]["buffer"].numpy()


def moves_to_cpu(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    rule.state[p]["buffer"].cpu()


def counts(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    p.add_(p.grad, alpha=-0.1 / count)


def counts_in_a_tensor(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    p.addcmul_(p.grad, torch.tensor(-0.1 / count))


def counts_in_state(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    rule.state[p]["count"] = count


def alternates(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    if count % 2 == 0:
        p.mul_(0.99)


def grows(rule: Rule, p: torch.Tensor, count: int) -> None:
    for _ in range(count):
        p.mul_(0.99)


def writes_gradient(rule: Rule, p: torch.Tensor, count: int) -> None:
    assert p.grad is not None
    p.grad.mul_(0.5)
    p.add_(p.grad, alpha=-0.1)


_OUTSIDE = torch.zeros(3, 4)


def writes_outside(rule: Rule, p: torch.Tensor, count: int) -> None:
    legal(rule, p, count)
    _OUTSIDE.add_(1.0)


def raises(rule: Rule, p: torch.Tensor, count: int) -> None:
    raise ArithmeticError("no luck")


def sorts(rule: Rule, p: torch.Tensor, count: int) -> None:
    p.copy_(p.sort().values)


def makes_sparse(rule: Rule, p: torch.Tensor, count: int) -> None:
    p.sub_(p.to_sparse().to_dense())


def build(update: Callable[[Rule, torch.Tensor, int], None]) -> tuple[Rule, nn.Module]:
    model = nn.Linear(4, 3)
    return Rule(model.parameters(), update), model


@pytest.mark.parametrize(
    ("update", "error", "state"),
    [
        (creates, StateCreatedError, "late"),
        (removes, StateRemovedError, "buffer"),
        (rebinds, StateReplacedError, "buffer"),
        (changes_dtype, StateReplacedError, "buffer"),
        (branches, HostSyncError, None),
        (reads_item, HostSyncError, None),
        (reads_list, HostSyncError, "buffer"),
        (reads_numpy, HostSyncError, "buffer"),
        (moves_to_cpu, HostSyncError, "buffer"),
        (counts, PythonNumberChangedError, None),
        (counts_in_a_tensor, PythonNumberChangedError, None),
        (counts_in_state, PythonNumberChangedError, "count"),
        (alternates, GraphChangedError, None),
        (grows, GraphChangedError, None),
        (writes_gradient, ForeignWriteError, "grad"),
        (writes_outside, ForeignWriteError, None),
        (sorts, UnknownOpError, None),
        (makes_sparse, UnknownOpError, None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_rule_is_named(
    update: Callable[[Rule, torch.Tensor, int], None],
    error: type[StaticRuleError],
    state: str | None,
) -> None:
    rule, model = build(update)
    report = check(rule, model=model, steps=4)
    found = [v for v in report.violations if type(v) is error and v.state == state]
    assert found, [(type(v).__name__, v.state, str(v)) for v in report.violations]
    assert found[0].remedy
    assert not report.legal


def test_a_step_that_raises_by_itself_is_not_judged() -> None:
    rule, model = build(raises)
    with pytest.raises(NotJudgedError, match=r"Rule\.step\(\) raises ArithmeticError: no luck"):
        check(rule, model=model, steps=4)


def test_a_legal_optimizer_of_ones_own_has_no_violation() -> None:
    rule, model = build(legal)
    assert check(rule, model=model, steps=8).violations == ()


def test_the_violation_says_where_the_users_code_reads_a_value() -> None:
    rule, model = build(reads_item)
    violation = check(rule, model=model, steps=1).violations[0]
    assert "test_static_rules.py:" in str(violation)


def test_torch_adamw_is_refused_with_state_parameter_and_remedy() -> None:
    model = nn.Linear(4, 3)
    with pytest.raises(StateCreatedError) as caught:
        capture_step(torch.optim.AdamW(model.parameters()), model=model)
    assert caught.value.parameter == "weight"
    assert caught.value.state == "exp_avg"
    assert "optimizers.AdamW" in caught.value.remedy


def test_torch_adamw_on_meta_tensors_breaks_the_same_rule() -> None:
    with torch.device("meta"):
        model = nn.Linear(4, 3)
    with pytest.raises(StateCreatedError, match="exp_avg"):
        capture_step(torch.optim.AdamW(model.parameters()), model=model)


def test_a_python_rate_that_a_torch_scheduler_changes_is_named() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, foreach=False)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    _, violations = judge_steps(optimizer, scheduler, model=model, steps=3)
    assert [type(v) for v in violations] == [PythonNumberChangedError]
    assert violations[0].state == "lr"


def test_each_violation_is_said_once_with_the_number_of_others() -> None:
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(5)))
    report = check(torch.optim.Adam(model.parameters()), model=model, steps=3)
    assert len({(v.rule, v.state) for v in report.violations}) == len(report.violations)
    assert "9 more parameters" in str(report.violations[0])


def test_an_optimizer_without_steps_or_parameters_is_refused() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(InputError, match="at least 1"):
        check(optimizers.SGD(model.parameters(), lr=0.1), steps=0)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    optimizer.param_groups[0]["params"] = []
    with pytest.raises(InputError, match="no parameters"):
        check(optimizer)
