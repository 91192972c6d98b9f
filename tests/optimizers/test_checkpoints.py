"""State dicts: what is written, what is read, and what is refused without harm."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import pytest
import torch

import optimizers
from optimizers.errors import StateDictError
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

EACH = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)


def stepped(
    record: OptimizerRecord, steps: int, index: int = 0, **further: Any
) -> optimizers.Optimizer:
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 2), (2, 2)] if record.least_dims else [(3, 2), (4,)]
    params = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
    optimizer = record.optimizer(params, **{**record.accepted[index], **further})
    for _ in range(steps):
        step(optimizer, generator)
    return optimizer


def step(optimizer: torch.optim.Optimizer, generator: torch.Generator) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)
    optimizer.step()


def snapshot(optimizer: optimizers.Optimizer) -> Any:
    return copy.deepcopy(optimizer.state_dict())


def assert_same(left: Any, right: Any) -> None:
    torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)


@EACH
def test_written_and_read_by_torch_with_weights_only(record: OptimizerRecord) -> None:
    optimizer = stepped(record, 3, lr=torch.tensor(0.125))
    saved = optimizer.state_dict()
    assert type(saved) is dict
    assert all(type(group["lr"]) is float for group in saved["param_groups"])
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    read = torch.load(file, weights_only=True)
    other = stepped(record, 0)
    other.load_state_dict(read)
    assert_same(other.state_dict()["state"], saved["state"])


@EACH
def test_loading_fills_the_sealed_tensors_in_place(record: OptimizerRecord) -> None:
    saved = snapshot(stepped(record, 2))
    kept = copy.deepcopy(saved)
    rate = torch.tensor(0.5)
    optimizer = stepped(record, 0, lr=rate)
    addresses = [t.data_ptr() for s in optimizer.state.values() for t in s.values()]
    groups = list(optimizer.param_groups)
    optimizer.load_state_dict(saved)
    assert [t.data_ptr() for s in optimizer.state.values() for t in s.values()] == addresses
    assert optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(saved["param_groups"][0]["lr"])
    assert all(a is b for a, b in zip(optimizer.param_groups, groups, strict=True))
    assert_same(saved, kept)  # the caller's dict is not touched
    step(optimizer, torch.Generator().manual_seed(5))


@EACH
def test_scalar_states_stay_float32_for_parameters_of_16_bits(record: OptimizerRecord) -> None:
    def small(steps: int) -> optimizers.Optimizer:
        p = torch.nn.Parameter(torch.ones(2, 2, dtype=torch.bfloat16))
        optimizer = record.optimizer([p], **record.accepted[0])
        for _ in range(steps):
            step(optimizer, torch.Generator().manual_seed(1))
        return optimizer

    source, target = small(3), small(0)
    target.load_state_dict(source.state_dict())
    scalars = [t for s in target.state.values() for t in s.values() if t.dim() == 0]
    assert all(t.dtype == torch.float32 for t in scalars)
    assert_same(target.state_dict()["state"], source.state_dict()["state"])


Damage = "Callable[[dict[str, Any]], object]"


def truncate(tensor_of: str) -> Callable[[dict[str, Any]], object]:
    def act(saved: dict[str, Any]) -> None:
        saved["state"][0][tensor_of] = saved["state"][0][tensor_of][:1]

    return act


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no state": (lambda d: d.pop("state"), "no usable 'state'"),
    "no groups": (lambda d: d.pop("param_groups"), "no usable 'param_groups'"),
    "groups are no list": (lambda d: d.update(param_groups={}), "no usable 'param_groups'"),
    "fewer groups": (lambda d: d["param_groups"].clear(), "has 0 parameter groups"),
    "fewer parameters": (lambda d: d["param_groups"][0]["params"].pop(), "has 1 parameters"),
    "no rate": (lambda d: d["param_groups"][0].pop("lr"), "has no 'lr'"),
    "parameter lost": (lambda d: d["state"].pop(1), "parameter 1 lacks 'exp_avg'"),
    "state lost": (lambda d: d["state"][0].pop("exp_avg"), "parameter 0 lacks 'exp_avg'"),
    "state unknown": (lambda d: d["state"][0].update(x=1.0), "has unknown 'x'"),
    "parameter unknown": (lambda d: d["state"].update({9: {}}), "parameter 9"),
    "tensor cut": (truncate("exp_avg"), "'exp_avg' of parameter 0 has shape"),
    "no tensor": (lambda d: d["state"][0].update(exp_avg="abc"), "'exp_avg' .* is a str"),
    "state no dict": (lambda d: d["state"].update({0: [1]}), "parameter 0 is no dict"),
    "rate negative": (lambda d: d["param_groups"][0].update(lr=-1.0), "lr is -1.0"),
    "rate NaN": (lambda d: d["param_groups"][0].update(lr=float("nan")), "lr is nan"),
    "maximize": (lambda d: d["param_groups"][0].update(maximize=True), "maximize=True"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_dict_is_refused_and_changes_nothing(damage: str) -> None:
    act, message = DAMAGES[damage]
    record = next(r for r in RECORDS if r.name == "AdamW")
    saved = snapshot(stepped(record, 3))
    act(saved)
    optimizer = stepped(record, 1)
    before = snapshot(optimizer)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(saved)
    assert_same(snapshot(optimizer), before)


def test_no_dict_at_all() -> None:
    optimizer = optimizers.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(StateDictError, match="must be a dict, not list"):
        optimizer.load_state_dict([])  # type: ignore[arg-type]  # the mistake under test


def test_other_arguments_than_those_it_was_saved_with() -> None:
    def sgd(momentum: float) -> optimizers.SGD:
        return optimizers.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=momentum)

    with pytest.raises(StateDictError, match=r"has unknown 'momentum_buffer'; build .*momentum"):
        sgd(0.0).load_state_dict(sgd(0.9).state_dict())
    with pytest.raises(StateDictError, match="lacks 'momentum_buffer'"):
        sgd(0.9).load_state_dict(sgd(0.0).state_dict())


def test_l2_strength_of_a_reference_checkpoint() -> None:
    """The reference package keeps Adam's strength under another key, with weight_decay 0."""
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = optimizers.Adam([p], weight_decay=0.5)
    saved = snapshot(optimizer)
    saved["param_groups"][0].update(l2_regularization_rate=0.25, weight_decay=0.0)
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["weight_decay"] == 0.25
    optimizer.load_state_dict(snapshot(optimizer))
    assert optimizer.param_groups[0]["weight_decay"] == 0.25


def test_per_group_weight_decay_in_adam() -> None:
    """The constructor's value is the default, a group's own overrides it."""
    p, q = (torch.nn.Parameter(torch.full((2,), 4.0)) for _ in range(2))
    groups: list[dict[str, Any]] = [{"params": [p]}, {"params": [q], "weight_decay": 0.0}]
    optimizer = optimizers.Adam(groups, lr=0.1, weight_decay=0.5)
    p.grad, q.grad = torch.zeros(2), torch.zeros(2)
    optimizer.step()
    assert (p < 4).all()
    assert (q == 4).all()


def test_hooks_run_around_loading() -> None:
    optimizer = optimizers.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    seen: list[str] = []
    optimizer.register_load_state_dict_pre_hook(lambda _, __: seen.append("pre"))
    optimizer.register_load_state_dict_post_hook(lambda _: seen.append("post"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["pre", "post"]
