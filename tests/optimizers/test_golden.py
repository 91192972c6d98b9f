"""The recorded behaviour of the reference packages, one test a case."""

from __future__ import annotations

import builtins
import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import optimizers

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
CASES = json.loads((GOLDEN / "manifest.json").read_text())["cases"]
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}
REFERENCE = sorted({case["class"] for case in CASES if case["kind"] == "optimizer"})


def cases(kind: str, **having: str) -> list[Any]:
    chosen = [c for c in CASES if c["kind"] == kind]
    chosen = [c for c in chosen if all(c.get(key) == value for key, value in having.items())]
    assert chosen, f"no golden cases of kind {kind}"
    return [pytest.param(c, id=c["name"]) for c in chosen]


def arrays(case: dict[str, Any]) -> Any:
    return np.load(GOLDEN / Path(case["file"]).name)


def keywords(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


class Run:
    """One recorded run, replayed."""

    def __init__(self, case: dict[str, Any], start: dict[str, torch.Tensor] | None = None) -> None:
        self.case, self.data = case, arrays(case)
        dtype = getattr(torch, case["dtype"])
        names = [name for group in case["groups"] for name in group["params"]]
        values = start or {name: torch.tensor(self.data[f"init_{name}"]) for name in names}
        self.params = {n: torch.nn.Parameter(values[n].clone().to(dtype)) for n in names}
        self.optimizer = getattr(optimizers, case["class"])(
            [
                {"params": [self.params[n] for n in g["params"]], **keywords(g["overrides"])}
                for g in case["groups"]
            ],
            **keywords(case["kwargs"]),
        )

    def step(self, t: int) -> None:
        if self.case.get("lr_per_step"):
            rates = self.case["lr_per_step"][t]
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        absent = self.case.get("missing_grads", {})
        for name, p in self.params.items():
            gradient = torch.tensor(self.data[f"grad_{name}"][t]).to(p.dtype)
            p.grad = None if t in absent.get(name, []) else gradient
        self.optimizer.step()

    def values(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self.params.items()}


def assert_close_path(
    case: dict[str, Any], got: list[torch.Tensor], expected: Any, start: Any, dtype: str
) -> None:
    path = np.stack([t.numpy() for t in got]).astype(np.float64)
    expected, steps = expected.astype(np.float64), len(path)
    error = np.abs(path - expected).reshape(steps, -1).max(1)
    moved = np.maximum.accumulate(np.abs(expected - start).reshape(steps, -1).max(1))
    size = np.maximum.accumulate(np.abs(expected).reshape(steps, -1).max(1))
    tolerance = case["tol"]
    limit = tolerance["rtol_disp"] * moved
    limit = limit + tolerance["atol_eps_multiple"] * ROUNDING[dtype] * size
    assert np.isfinite(path).all()
    assert (error <= limit).all(), f"largest share of the limit: {(error / limit).max()}"


@pytest.mark.parametrize("case", cases("optimizer"))
def test_trajectory_and_state(case: dict[str, Any]) -> None:
    run = Run(case)
    for name, p in run.params.items():
        state = run.optimizer.state[p]
        assert set(state) == set(case["init_state"][name])
        for key, expected in case["init_state"][name].items():
            assert list(state[key].shape) == expected["shape"]
            assert str(state[key].dtype) == f"torch.{expected['dtype']}"
            full = torch.full_like(state[key], expected["value"])
            torch.testing.assert_close(state[key], full, rtol=1e-6, atol=1e-6)
    history = []
    for t in range(case["steps"]):
        run.step(t)
        history.append(run.values())
    for name, p in run.params.items():
        start = run.data[f"init_{name}"].astype(np.float64)
        path = [values[name] for values in history]
        assert_close_path(case, path, run.data[f"traj_{name}"], start, case["dtype"])
        for key in case["init_state"][name]:
            expected = run.data[f"final_{name}__{key}"].astype(np.float64)
            difference = np.abs(run.optimizer.state[p][key].numpy() - expected).max()
            largest = max(np.abs(expected).max(), 1e-30)
            assert difference <= case["tol"]["rtol_state"] * largest + 1e-30, key


@pytest.mark.parametrize("case", cases("optimizer"))
def test_a_run_resumes_from_its_state_dict(case: dict[str, Any]) -> None:
    run, half = Run(case), case["steps"] // 2
    for t in range(half):
        run.step(t)
    saved = copy.deepcopy(run.optimizer.state_dict())
    resumed = Run(case, run.values())
    resumed.optimizer.load_state_dict(saved)
    for t in range(half, case["steps"]):
        run.step(t)
        resumed.step(t)
    for name, p in run.params.items():
        assert torch.equal(p, resumed.params[name])


@pytest.mark.parametrize("case", cases("optimizer_load"))
def test_checkpoints_of_other_packages(case: dict[str, Any]) -> None:
    data = arrays(case)
    state: dict[str, Any] = {key: torch.tensor(data[key]) for key in case["state_keys"]}
    steps = case["state_step"]
    state["step"] = torch.tensor(float(steps)) if case["format"] == "torch" else steps
    p = torch.nn.Parameter(torch.tensor(data["init_p"]))
    optimizer = getattr(optimizers, case["class"])([p], **keywords(case["kwargs"]))
    group = {**keywords(case["group"]), "params": [0]}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [group]})
    path = []
    for t in range(case["steps"]):
        p.grad = torch.tensor(data["grad_p"][t])
        optimizer.step()
        path.append(p.detach().clone())
    exact = "traj_correct_p" if "alternatives" in case else "traj_p"  # the bias goes on exactly
    start = data["init_p"].astype(np.float64)
    assert_close_path(case, path, data[exact], start, "float32")


@pytest.mark.parametrize("case", cases("configure_optimizer"))
@pytest.mark.filterwarnings("ignore::optimizers.errors.IgnoredKeyWarning")
def test_configure_optimizer(case: dict[str, Any]) -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = optimizers.configure_optimizer(
        optimizer_type=case["optimizer_type"], params=[p], **copy.deepcopy(case["kwargs"])
    )
    assert type(optimizer).__name__ == case["expect_class"]
    for key, expected in case["expect_group"].items():
        assert optimizer.param_groups[0][key] == pytest.approx(keywords({"x": expected})["x"])


@pytest.mark.parametrize(
    "case", cases("raises", what="optimizer") + cases("raises", what="configure_optimizer")
)
def test_wrong_arguments(case: dict[str, Any]) -> None:
    p = torch.nn.Parameter(torch.ones(2))
    if case["what"] == "optimizer":
        build = partial(getattr(optimizers, case["target"]), [p], **keywords(case["kwargs"]))
    else:
        build = partial(optimizers.configure_optimizer, case["target"], [p], **case["kwargs"])
    with pytest.raises(getattr(builtins, case["exception"])):
        build()


@pytest.mark.parametrize("case", cases("sparsify"))
def test_states_to_sparsify(case: dict[str, Any]) -> None:
    optimizer = getattr(optimizers, case["class"])([torch.nn.Parameter(torch.ones(2, 2))], lr=0.1)
    assert sorted(optimizer.state_names_to_sparsify()) == sorted(case["expect"])


@pytest.mark.parametrize("name", REFERENCE)
def test_closure_runs_with_gradients_and_returns_its_loss(name: str) -> None:
    p = torch.nn.Parameter(torch.ones(2, 3))
    optimizer = getattr(optimizers, name)([p], lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 6.0
    assert optimizer.step() is None


@pytest.mark.parametrize("name", REFERENCE)
def test_gradients_are_never_written(name: str) -> None:
    p = torch.nn.Parameter(torch.ones(2, 3))
    further = {"SGD": {"momentum": 0.9, "nesterov": True}, "Adagrad": {"lr_decay": 0.1}}
    optimizer = getattr(optimizers, name)([p], lr=0.1, **further.get(name, {}))
    for sign in (1, -1, 1):
        gradient = torch.arange(1.0, 7.0).reshape(2, 3) * sign
        p.grad = gradient.clone()
        optimizer.step()
        assert torch.equal(p.grad, gradient)
