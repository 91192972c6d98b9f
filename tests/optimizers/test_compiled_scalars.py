"""A compiled step has the numbers of the eager one for tensors of any size, 0-dim float64 too."""

from __future__ import annotations

import pytest
import torch

import optimizers
from optimizers import Optimizer

KINDS = (
    ((), torch.float64),
    ((), torch.float32),
    ((), torch.bfloat16),
    ((1,), torch.float64),
    ((2, 3), torch.float64),
    ((0,), torch.float32),
)


def parameters() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.full(shape, 0.8, dtype=dtype)) for shape, dtype in KINDS]


def give_gradients(optimizer: Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.full_like(p, value)


@pytest.mark.parametrize(("name", "arguments"), [("AdamW", {}), ("SGD", {"momentum": 0.9})])
def test_a_compiled_step_is_the_eager_step(name: str, arguments: dict[str, float]) -> None:
    torch._dynamo.reset()
    eager, other = (
        getattr(optimizers, name)(parameters(), lr=torch.tensor(0.01), **arguments) for _ in "ab"
    )
    step = optimizers.compiled_step(other, backend="aot_eager")

    def both(gradient: float) -> None:
        for optimizer, advance in ((eager, eager.step), (other, step)):
            give_gradients(optimizer, gradient)
            advance()
        for ours, theirs in zip(eager.param_groups, other.param_groups, strict=True):
            for a, b in zip(ours["params"], theirs["params"], strict=True):
                torch.testing.assert_close(a, b)
                torch.testing.assert_close(eager.state[a], other.state[b])

    both(0.25)
    for optimizer in (eager, other):
        optimizer.param_groups[0]["lr"].mul_(0.5)
        first = optimizer.param_groups[0]["params"][0]
        first.data = first.data * 2  # in other memory from now on
    both(-0.5)
    for optimizer in (eager, other):
        late = torch.nn.Parameter(torch.tensor(0.3, dtype=torch.float64))
        optimizer.add_param_group({"params": [late]})
    both(1.0)
