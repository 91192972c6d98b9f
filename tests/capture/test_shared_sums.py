"""Sums over several parameters are additions to one number, however they are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest
import torch
from torch import nn

import wse_emulator
from wse_emulator.errors import UnknownOpError
from wse_emulator.results.run import RunResult

Total = Callable[[list[torch.Tensor]], torch.Tensor]


class Normalized(torch.optim.Optimizer):
    """p -= g / total(all g)."""

    def __init__(self, params: list[nn.Parameter], total: Total) -> None:
        super().__init__(params, {})
        self.total = total

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        parameters = self.param_groups[0]["params"]
        total = self.total([p.grad for p in parameters])
        for p in parameters:
            p.sub_(p.grad / total)


def by_hand(gradients: list[torch.Tensor]) -> torch.Tensor:
    """As the global norm of the package is written."""
    total = torch.zeros(())
    for g in gradients:
        norm = torch.linalg.vector_norm(g)
        total.addcmul_(norm, norm)
    return total.sqrt()


def added_by_hand(gradients: list[torch.Tensor]) -> torch.Tensor:
    total = torch.zeros(())
    for g in gradients:
        total.add_(g.square().sum())
    return total.sqrt()


def added_in_place(gradients: list[torch.Tensor]) -> torch.Tensor:
    total = gradients[0].square().sum()
    for g in gradients[1:]:
        total += g.square().sum()
    return total.sqrt()


def added_anew(gradients: list[torch.Tensor]) -> torch.Tensor:
    total = gradients[0].square().sum()
    for g in gradients[1:]:
        total = total + g.square().sum()
    return total.sqrt()


@lru_cache(maxsize=16)  # what is written by hand is compared with more than once
def timed(total: Total, engine: str = "array") -> RunResult:
    model = nn.Sequential(nn.Linear(12, 10), nn.Linear(10, 12))
    optimizer = Normalized(list(model.parameters()), total)
    return wse_emulator.run(model, optimizer=optimizer, wafer="wse2:4x4", engine=engine)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (lambda gs: torch.stack([g.norm() for g in gs]).norm(), by_hand),
        (lambda gs: torch.stack(torch._foreach_norm(gs)).square().sum().sqrt(), None),
        (torch.nn.utils.get_total_norm, by_hand),
        (lambda gs: torch.stack([g.square().sum() for g in gs]).sum().sqrt(), added_by_hand),
        (added_in_place, added_by_hand),
        (added_anew, added_by_hand),
    ],
)
def test_a_sum_over_parameters_takes_what_it_takes_by_hand(
    written: Total, plain: Total | None
) -> None:
    if plain is None:  # squares of a stack are no sum of numbers of parameters
        with pytest.raises(UnknownOpError, match="parameters at once"):
            timed(written)
        return
    result = timed(written)
    assert result.steps[0].cycles == timed(plain).steps[0].cycles
    assert result.digest == timed(written, "pe").digest


@pytest.mark.parametrize(
    "written",
    [
        lambda gs: torch.stack([g.abs().max() for g in gs]).max(),
        lambda gs: gs[0].norm() * gs[1].norm(),
        lambda gs: torch.stack([g.norm() for g in gs]).norm(1),
    ],
)
def test_what_else_joins_parameters_is_refused_by_name(written: Total) -> None:
    with pytest.raises(UnknownOpError, match="parameters at once"):
        timed(written)
