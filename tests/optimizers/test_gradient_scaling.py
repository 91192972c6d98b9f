"""Clipping by global norm and dynamic loss scaling: right numbers, and one static graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import optimizers
from optimizers.errors import ArgumentError, StateDictError
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS
from tests.optimizers.tracing import OperationList

EACH = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)


def matrices(count: int = 2) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(3, 3, generator=generator)) for _ in range(count)]


def give_gradients(params: list[torch.nn.Parameter], seed: int, scale: float = 1.0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator) * scale


@given(
    shapes=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4),
    max_norm=st.floats(0, 10),
    size=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_clipping_equals_torch(
    shapes: list[list[int]], max_norm: float, size: float, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(0)
    ours: list[torch.nn.Parameter] = []
    theirs: list[torch.nn.Parameter] = []
    for shape in shapes:
        gradient = (torch.randn(shape, generator=generator) * size).to(dtype)
        for params in (ours, theirs):
            params.append(torch.nn.Parameter(torch.zeros(shape, dtype=dtype)))
            params[-1].grad = gradient.clone()
    norm = optimizers.clip_grad_norm_static(ours, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, foreach=False)
    share = 1e-2 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(norm, expected.float(), rtol=share, atol=1e-30)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=share, atol=1e-30)


def test_clipping_takes_an_optimizer_and_skips_what_has_no_gradient() -> None:
    p, q = matrices()
    optimizer = optimizers.SGD([{"params": [p]}, {"params": [q]}], lr=0.1)
    p.grad = torch.full((3, 3), 2.0)
    norm = optimizers.clip_grad_norm_static(optimizer, 3.0)
    assert float(norm) == pytest.approx(6.0)
    assert float(p.grad.norm()) == pytest.approx(3.0, rel=1e-5)
    assert q.grad is None
    q.grad = torch.ones(3, 3)
    assert float(optimizers.clip_grad_norm_static(q, 9.0)) == pytest.approx(3.0)
    assert float(optimizers.clip_grad_norm_static([], 1.0)) == 0.0


@pytest.mark.parametrize("bound", [-1.0, float("nan"), float("inf"), "1"])
def test_clipping_bounds(bound: Any) -> None:
    with pytest.raises(ArgumentError, match="clip_grad_norm_static: max_norm is"):
        optimizers.clip_grad_norm_static(matrices(), bound)


def guarded_step(optimizer: optimizers.Optimizer, scaler: optimizers.DynamicLossScale) -> list[str]:
    with OperationList() as recorded:
        scaler.unscale_(optimizer)
        optimizers.clip_grad_norm_static(optimizer, 1.0)
        scaler.step(optimizer)
        scaler.update()
    return [repr(op) for op in recorded.operations if not op[0].startswith("profiler.")]


@EACH
def test_an_overflow_leaves_everything_as_it_was_by_the_same_graph(
    record: OptimizerRecord,
) -> None:
    params = matrices()
    optimizer = record.optimizer(params, **record.accepted[-1])
    scaler = optimizers.DynamicLossScale(initial_scale=8.0, max_scale=64.0, steps_per_increase=2)
    give_gradients(params, 0, 8.0)
    finite = guarded_step(optimizer, scaler)
    before = [t.clone() for t in tensors(optimizer)]
    for bad in (float("inf"), float("nan"), -float("inf")):
        give_gradients(params, 1)
        assert params[1].grad is not None
        params[1].grad[0, 0] = bad
        overflowing = guarded_step(optimizer, scaler)
        assert finite == overflowing
        assert all(torch.equal(a, b) for a, b in zip(tensors(optimizer), before, strict=True))
    assert float(scaler.scale) == 1.0
    assert float(scaler.skipped_steps) == 3
    give_gradients(params, 2)
    guarded_step(optimizer, scaler)
    assert not all(torch.equal(a, b) for a, b in zip(tensors(optimizer), before, strict=True))


def tensors(optimizer: optimizers.Optimizer) -> list[torch.Tensor]:
    params = [p for group in optimizer.param_groups for p in group["params"]]
    return [*params, *(t for p in params for t in optimizer.state[p].values())]


@EACH
def test_a_scaled_step_is_the_plain_step(record: OptimizerRecord) -> None:
    """A scale that is a power of two costs no bit of any number."""
    plain, scaled = matrices(), matrices()
    optimizer = record.optimizer(plain, **record.accepted[0])
    other = record.optimizer(scaled, **record.accepted[0])
    scaler = optimizers.DynamicLossScale(initial_scale=1024.0)
    for seed in range(3):
        give_gradients(plain, seed)
        give_gradients(scaled, seed, 1024.0)
        optimizer.step()
        scaler.unscale_(other)
        scaler.step(other)
        scaler.update()
    assert all(torch.equal(p, q) for p, q in zip(plain, scaled, strict=True))


def test_the_scale_follows_its_rule() -> None:
    (p,) = matrices(1)
    optimizer = optimizers.SGD([p], lr=0.1)
    scaler = optimizers.DynamicLossScale(
        initial_scale=4.0, steps_per_increase=2, min_scale=1.0, max_scale=16.0
    )
    scales = []
    for overflow in (0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1):
        p.grad = torch.full((3, 3), float("inf") if overflow else 1.0)
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        scales.append(float(scaler.scale))
    assert scales == [4, 8, 8, 4, 4, 8, 8, 16, 16, 16, 8, 4, 2, 1, 1, 1]
    assert torch.isfinite(p).all()


def test_scaled_loss_is_wide_and_differentiable() -> None:
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float16))
    scaler = optimizers.DynamicLossScale(initial_scale=2.0**10)
    loss = scaler.scaled((p * p).sum())
    assert loss.dtype == torch.float32
    loss.backward()
    assert p.grad is not None
    assert torch.equal(p.grad, torch.full((2,), 2048.0, dtype=torch.float16))


def test_the_scale_is_saved_and_loaded_in_place() -> None:
    scaler = optimizers.DynamicLossScale(initial_scale=4.0)
    scaler.steps_since_change.fill_(7)
    other = optimizers.DynamicLossScale()
    cell = other.scale
    other.load_state_dict(scaler.state_dict())
    assert other.scale is cell
    assert other.state_dict() == {"scale": 4.0, "steps_since_change": 7.0, "skipped_steps": 0.0}
    with pytest.raises(StateDictError, match="lacks steps_since_change, skipped_steps"):
        other.load_state_dict({"scale": 1.0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_scale": 0.0}, "initial_scale is 0.0; it must be above 0"),
        ({"min_scale": -1.0}, "min_scale is -1.0"),
        ({"max_scale": float("nan")}, "max_scale is nan; it must be finite"),
        ({"steps_per_increase": 0}, "steps_per_increase is 0; it must be at least 1"),
        ({"min_scale": 8.0, "max_scale": 4.0}, "min_scale is 8.0; it must be at most max_scale"),
    ],
)
def test_wrong_scales(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        optimizers.DynamicLossScale(**arguments)


def test_a_monolithic_optimizer_can_be_guarded_too() -> None:
    class Plain(optimizers.Optimizer):
        def preinitialize(self) -> None:
            for p in self.param_groups[0]["params"]:
                self.state[p]["count"] = torch.zeros(())

        def state_names_to_sparsify(self) -> list[str]:
            return []

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            for p in self.param_groups[0]["params"]:
                self.state[p]["count"].add_(1)
                p.sub_(p.grad)
            return closure

    (p,) = matrices(1)
    start = p.detach().clone()
    optimizer = Plain([p], {"lr": 0.1})
    p.grad = torch.ones(3, 3)
    optimizer.step_where(torch.tensor(False))
    assert torch.equal(p, start)
    optimizer.step_where(torch.tensor(True))
    assert torch.equal(p, start - 1)
    assert float(optimizer.state[p]["count"]) == 1
