"""The state is sealed: whatever a step or a caller does to it is noticed and named."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
import torch

import optimizers
from optimizers.errors import (
    GlobalStepError,
    StateCreatedError,
    StateDtypeError,
    StateKindError,
    StateNumberError,
    StateRemovedError,
    StateReplacedError,
    StateShapeError,
    StaticStateError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

State = dict[str, Any]


class Scripted(optimizers.Optimizer):
    """A user's optimizer with one state tensor, whose step does what a test tells it to."""

    def __init__(self, params: Any, act: Callable[[State], object] = bool) -> None:
        self.act = act
        super().__init__(params, {"lr": 0.1})

    def preinitialize(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["momentum"] = torch.zeros_like(p)

    def state_names_to_sparsify(self) -> list[str]:
        return ["momentum"]

    def step(self, closure: Any = None) -> Any:
        for state in list(self.state.values()):
            self.act(state)
        return closure


def set_data(state: State) -> None:
    state["momentum"].data = torch.ones(3)


def replace(state: State) -> None:
    state["momentum"] = state["momentum"] * 0.9


def merge(state: State) -> None:
    state |= {"momentum": torch.ones(3)}


def to_double(state: State) -> None:
    state["momentum"].data = torch.zeros(3, dtype=torch.float64)


BREAKS: dict[str, tuple[Callable[[State], object], type[StaticStateError]]] = {
    "new key": (lambda s: s.__setitem__("variance", torch.zeros(3)), StateCreatedError),
    "update": (lambda s: s.update(variance=torch.zeros(3)), StateCreatedError),
    "number": (lambda s: s.setdefault("count", 1), StateCreatedError),
    "del": (lambda s: s.pop("momentum"), StateRemovedError),
    "clear": (lambda s: s.clear(), StateRemovedError),
    "rebinding": (replace, StateReplacedError),
    "|=": (merge, StateReplacedError),
    ".data": (set_data, StateReplacedError),
    "set_": (lambda s: s["momentum"].set_(torch.ones(3)), StateReplacedError),
    "resize_ down": (lambda s: s["momentum"].resize_(2), StateShapeError),
    "resize_ up": (lambda s: s["momentum"].resize_(4), StateShapeError),
    "dtype": (to_double, StateDtypeError),
    "no tensor": (lambda s: s.update(momentum=0.0), StateNumberError),
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("way", BREAKS)
def test_what_breaks_the_seal_in_a_step(way: str, device: str) -> None:
    act, expected = BREAKS[way]
    params = [torch.nn.Parameter(torch.zeros(3, device=device)) for _ in range(2)]
    if device == "meta" and way in (".data", "set_", "dtype"):
        act = lambda s: s.update(momentum=torch.zeros(3, device="meta"))  # noqa: E731  # a stand-in
        expected = StateReplacedError
    optimizer = Scripted(params, act)
    with pytest.raises(
        expected, match=r"Scripted: state .* of parameter 0 .* during step"
    ) as found:
        optimizer.step()
    assert found.value.parameter == 0
    assert found.value.state in ("momentum", "variance", "count")
    assert found.value.remedy in str(found.value)


@pytest.mark.parametrize("way", BREAKS)
def test_what_breaks_the_seal_between_steps(way: str) -> None:
    act, expected = BREAKS[way]
    p = torch.nn.Parameter(torch.zeros(3))
    optimizer = Scripted([("weight", p)])
    optimizer.step()
    act(optimizer.state[p])
    with pytest.raises(expected, match=r"'weight'.* before step"):
        optimizer.step()


def test_state_under_a_stranger_is_noticed() -> None:
    optimizer = Scripted([torch.nn.Parameter(torch.zeros(3))])
    optimizer.state[torch.zeros(1)]["x"] = torch.zeros(1)
    with pytest.raises(StateCreatedError, match="no parameter of this optimizer"):
        optimizer.step()


def test_in_place_updates_and_views_of_the_same_storage_are_legal() -> None:
    def legal(state: State) -> None:
        state["momentum"].mul_(0.9).add_(1)
        state["momentum"] = state["momentum"].view(3)
        momentum = state.pop("momentum")
        state["momentum"] = momentum

    p = torch.nn.Parameter(torch.zeros(3))
    optimizer = Scripted([p], legal)
    for _ in range(3):
        optimizer.step()
    assert optimizer.state[p]["momentum"][0] == pytest.approx(2.71)


def test_a_number_in_the_state_may_stay_but_not_change() -> None:
    class Counting(Scripted):
        def preinitialize(self) -> None:
            super().preinitialize()
            for p in self.param_groups[0]["params"]:
                self.state[p]["count"] = 7

    optimizer = Counting([torch.nn.Parameter(torch.zeros(3))])
    optimizer.step()
    optimizer.act = lambda state: state.update(count=8)
    with pytest.raises(StateNumberError, match="changed from 7 to 8 during step"):
        optimizer.step()


def test_state_without_a_place_is_refused_at_construction() -> None:
    class Listing(Scripted):
        def preinitialize(self) -> None:
            self.state[self.param_groups[0]["params"][0]]["history"] = [torch.zeros(3)]

    with pytest.raises(StateKindError, match="'history' of parameter 0 is a list"):
        Listing([torch.nn.Parameter(torch.zeros(3))])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_keep_seal_global_step_and_attributes(
    duplicate: Callable[[optimizers.Optimizer], optimizers.Optimizer],
) -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = optimizers.Adagrad([p])
    p.grad = torch.ones(3)
    optimizer.step()
    twin = duplicate(optimizer)
    q = twin.param_groups[0]["params"][0]
    assert q is not p
    assert twin.enable_global_step
    q.grad = torch.ones(3)
    twin.step()
    optimizer.step()
    assert torch.equal(p, q)
    assert twin.state[q]["step"] == 2
    twin.state[q]["new"] = torch.zeros(1)
    with pytest.raises(StateCreatedError):
        twin.step()


def test_state_of_a_stateless_parameter_reads_as_empty() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = optimizers.SGD([p], lr=0.1)
    p.grad = torch.ones(3)
    assert optimizer.state[p] == {}
    optimizer.step()
    assert optimizer.state[p] == {}
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert copy.deepcopy(optimizer).state_dict()["state"] == {0: {}}


def test_a_later_group_is_preinitialised_and_sealed() -> None:
    p, q = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = optimizers.ASGD([p], lr=0.5)
    p.grad = torch.ones(3)
    optimizer.step()
    before = {name: t.clone() for name, t in optimizer.state[p].items()}
    group = {"params": [q], "lr": 0.25}
    optimizer.add_param_group(group)
    assert group == {"params": [q], "lr": 0.25}  # the caller's dict is left alone
    assert float(optimizer.state[q]["eta"]) == 0.25
    assert all(torch.equal(optimizer.state[p][name], t) for name, t in before.items())
    q.grad = torch.ones(3)
    optimizer.step()
    assert float(optimizer.state[p]["step"]) == 2
    assert float(optimizer.state[q]["step"]) == 1


def test_a_refused_group_leaves_nothing_behind() -> None:
    p, q = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = optimizers.AdamW([p])
    with pytest.raises(ValueError, match=r"group 1: lr is -1.0"):
        optimizer.add_param_group({"params": [q], "lr": -1.0})
    assert len(optimizer.param_groups) == 1
    p.grad = torch.ones(3)
    optimizer.step()


def test_global_step_counts_a_parameter_only_when_it_is_stepped() -> None:
    p, q = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = optimizers.RAdam([p, q])
    p.grad = torch.ones(3)
    optimizer.step()
    assert float(optimizer.state[p]["step"]) == 1
    assert float(optimizer.state[q]["step"]) == 0


def test_global_step_without_the_flag() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    with pytest.raises(GlobalStepError, match=r"no global step.*enable_global_step=True"):
        optimizers.AdamW([p]).increment_global_step(p)


def test_a_subclass_without_the_abstract_methods_cannot_be_built() -> None:
    for missing in ("preinitialize", "state_names_to_sparsify", "step"):
        body: dict[str, Any] = {
            name: getattr(Scripted, name)
            for name in ("preinitialize", "state_names_to_sparsify", "step")
        }
        del body[missing]
        incomplete = type("Incomplete", (optimizers.Optimizer,), body)
        with pytest.raises(TypeError, match=missing):
            incomplete([torch.nn.Parameter(torch.ones(1))], {"lr": 0.1})
