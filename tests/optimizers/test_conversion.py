"""Between torch.optim and the legal optimizers, in both directions, at any step."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch

import optimizers
from optimizers.convert import COUNTERPARTS
from optimizers.errors import NoCounterpartError, RuleDifferenceWarning, StateDictError

# Arguments of torch's class, and whether the rules then agree (to the given share of movement).
SAME_RULE: dict[str, tuple[dict[str, Any], float]] = {
    "ASGD": ({"t0": 2, "lambd": 0.01, "weight_decay": 0.1}, 1e-5),
    "Adadelta": ({"lr": 0.5, "weight_decay": 0.1, "maximize": True}, 1e-5),
    "Adagrad": ({"lr_decay": 0.1, "eps": 1e-8, "initial_accumulator_value": 0.1}, 1e-5),
    "Adam": ({"eps": 0.0, "amsgrad": True, "weight_decay": 0.1, "betas": (0.8, 0.95)}, 1e-4),
    "AdamW": ({"eps": 0.0, "weight_decay": 0.1}, 1e-3),
    "Adamax": ({"weight_decay": 0.1, "maximize": True}, 1e-4),
    "RAdam": ({"betas": (0.9, 0.98), "weight_decay": 0.1}, 1e-4),
    "RMSprop": ({"momentum": 0.9, "centered": True, "eps": 1e-3}, 1e-4),
    "Rprop": ({"lr": 0.01}, 1e-5),
    "SGD": ({"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}, 1e-5),
}
OTHER_RULE: dict[str, dict[str, Any]] = {
    "NAdam": {"momentum_decay": 0.01},
    "Adafactor": {"lr": 0.01},
    "Muon": {"momentum": 0.9},
}
EVERY = {name: arguments for name, (arguments, _) in SAME_RULE.items()} | OTHER_RULE
SHARES = {name: share for name, (_, share) in SAME_RULE.items()}
pytestmark = pytest.mark.filterwarnings("ignore::optimizers.errors.RuleDifferenceWarning")


def fresh() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return [torch.nn.Parameter(torch.randn(4, 3, generator=generator)) for _ in range(3)]


def step(optimizer: torch.optim.Optimizer, seed: int, absent: int | None = None) -> None:
    generator = torch.Generator().manual_seed(seed)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for index, p in enumerate(params):
        gradient = torch.randn(p.shape, generator=generator)
        p.grad = None if index == absent else gradient
    optimizer.step()


def values(optimizer: torch.optim.Optimizer) -> torch.Tensor:
    params = [p for group in optimizer.param_groups for p in group["params"]]
    return torch.stack([p.detach().clone() for p in params])


def built(cls: type[torch.optim.Optimizer], arguments: dict[str, Any]) -> torch.optim.Optimizer:
    first, *rest = fresh()
    groups: list[dict[str, Any]] = [{"params": [first], "lr": 0.05}, {"params": rest}]
    return cls(groups, **arguments)


@pytest.mark.parametrize("name", SAME_RULE)
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_converted_run_goes_on_like_torch(name: str, steps: int) -> None:
    original = built(getattr(torch.optim, name), EVERY[name])
    for seed in range(steps):
        step(original, seed)
    twin = copy.deepcopy(original)
    legal = optimizers.from_torch(twin)
    start = values(legal)
    for seed in range(50, 56):
        step(original, seed)
        step(legal, seed)
    moved = (values(original) - start).abs().max()
    assert moved > 0
    assert (values(original) - values(legal)).abs().max() <= SHARES[name] * moved


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_there_and_back_is_the_same_run(name: str, steps: int) -> None:
    original = built(getattr(torch.optim, name), EVERY[name])
    for seed in range(steps):
        step(original, seed)
    twin = copy.deepcopy(original)
    returned = optimizers.to_torch(optimizers.from_torch(twin))
    assert type(returned) is type(original)
    for theirs, ours in zip(original.param_groups, returned.param_groups, strict=True):
        for key, value in theirs.items():
            if key not in ("params", "eps", "foreach"):
                assert ours[key] == value, key
    for seed in range(50, 54):
        step(original, seed)
        step(returned, seed)
    torch.testing.assert_close(values(original), values(returned), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_state_dicts_of_torch_load_directly(name: str) -> None:
    """The checkpoint of a run in which one parameter was never stepped."""
    original = built(getattr(torch.optim, name), EVERY[name])
    for seed in range(4):
        step(original, seed, absent=1)
    legal = optimizers.from_torch(copy.deepcopy(original))
    loaded = optimizers.from_torch(built(getattr(torch.optim, name), EVERY[name]))
    saved = original.state_dict()
    kept = copy.deepcopy(saved)
    loaded.load_state_dict(saved)
    torch.testing.assert_close(
        loaded.state_dict()["state"], legal.state_dict()["state"], rtol=0, atol=0
    )
    torch.testing.assert_close(saved["state"], kept["state"], rtol=0, atol=0)
    assert str(saved["param_groups"]) == str(kept["param_groups"])


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax"])
@pytest.mark.parametrize("steps", [0, 1, 30, 2_000, 20_000])
def test_the_step_counter_is_read_off_the_powers(name: str, steps: int) -> None:
    legal = getattr(optimizers, name)([torch.nn.Parameter(torch.ones(2))])
    state = next(iter(legal.state.values()))
    for key, beta in (("beta1_power", 0.9), ("beta2_power", 0.999)):
        for _ in range(steps if key in state else 0):
            state[key].mul_(beta)
    converted = optimizers.to_torch(legal)
    counter = next(iter(converted.state.values()))["step"]
    telling = steps if name != "Adamax" or steps < 800 else 829  # β1 alone is gone by then
    assert abs(float(counter) - telling) <= 1e-4 * steps + 1


def test_names_and_rate_tensors_survive() -> None:
    rate = torch.tensor(0.5)
    p = torch.nn.Parameter(torch.ones(2))
    legal = optimizers.from_torch(torch.optim.SGD([("weight", p)], lr=rate, momentum=0.9))
    assert legal.param_groups[0]["lr"] is rate
    assert legal.param_groups[0]["param_names"] == ["weight"]
    assert legal.param_groups[0]["params"][0] is p
    back = optimizers.to_torch(legal)
    assert back.param_groups[0]["param_names"] == ["weight"]


@pytest.mark.filterwarnings("default")
def test_differences_of_rule_are_warned_of_and_only_they() -> None:
    def sgd(dampening: float) -> torch.optim.SGD:
        return torch.optim.SGD(fresh(), lr=0.1, momentum=0.9, dampening=dampening)

    with pytest.warns(RuleDifferenceWarning, match="AdamW: eps is added before the bias"):
        optimizers.from_torch(torch.optim.AdamW(fresh()))
    with pytest.warns(RuleDifferenceWarning, match=r"NAdam: .*one factor more"):
        optimizers.from_torch(torch.optim.NAdam(fresh()))
    with pytest.warns(RuleDifferenceWarning, match="SGD: dampening acts on the first step"):
        optimizers.from_torch(sgd(0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("Adagrad", "Adadelta", "RMSprop", "Rprop", "RAdam", "ASGD", "Adamax"):
            optimizers.from_torch(getattr(torch.optim, name)(fresh()))
        optimizers.to_torch(optimizers.from_torch(sgd(0.0)))


def test_what_has_no_counterpart() -> None:
    with pytest.raises(NoCounterpartError, match=r"for torch.optim.\w+.LBFGS; there is one for"):
        optimizers.from_torch(torch.optim.LBFGS(fresh()))
    with pytest.raises(NoCounterpartError, match="Adam has no maximize"):
        optimizers.from_torch(torch.optim.Adam(fresh(), maximize=True))
    with pytest.raises(NoCounterpartError, match="NAdam has no decoupled_weight_decay"):
        optimizers.from_torch(torch.optim.NAdam(fresh(), decoupled_weight_decay=True))
    with pytest.raises(NoCounterpartError, match=r"torch.optim has no Lamb"):
        optimizers.to_torch(optimizers.Lamb(fresh()))
    with pytest.raises(NoCounterpartError, match="always corrects the bias"):
        optimizers.to_torch(optimizers.AdamW(fresh(), correct_bias=False))

    class Mine(torch.optim.AdamW):
        pass

    with pytest.raises(NoCounterpartError, match="Mine"):
        optimizers.from_torch(Mine(fresh()))


def test_the_other_kind_of_weight_decay_is_not_loaded() -> None:
    legal = optimizers.AdamW(fresh())
    with pytest.raises(StateDictError, match="saved with L2 weight decay"):
        legal.load_state_dict(torch.optim.Adam(fresh(), weight_decay=0.1).state_dict())
    with pytest.raises(StateDictError, match="saved with decoupled weight decay"):
        optimizers.Adam(fresh()).load_state_dict(torch.optim.AdamW(fresh()).state_dict())
    legal.load_state_dict(torch.optim.Adam(fresh()).state_dict())  # without decay they are one


def test_every_class_with_a_counterpart_is_tested() -> None:
    assert set(COUNTERPARTS) == set(EVERY)
