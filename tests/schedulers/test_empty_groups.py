"""A group without parameters, as an adapter leaves one, changes nothing for the others."""

from __future__ import annotations

import pytest
import torch

import optimizers
import schedulers
from optimizers import Optimizer
from optimizers.errors import ParameterError


def adamw(*groups: list[torch.nn.Parameter]) -> Optimizer:
    return optimizers.AdamW([{"params": list(group)} for group in groups], lr=0.1)


def parameter(device: str = "cpu") -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(3, device=device))


@pytest.mark.parametrize("groups", [([], [parameter()]), ([parameter()], []), ([], []), ([],)])
def test_every_group_is_scheduled(groups: tuple[list[torch.nn.Parameter], ...]) -> None:
    optimizer = adamw(*groups)
    warm_up, hold = (
        schedulers.LinearLR(optimizer, 0.0, 0.5, 2),
        schedulers.ConstantLR(optimizer, 0.5),
    )
    schedule = schedulers.SequentialLR(optimizer, [warm_up, hold], [2])
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25] * len(groups)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25] * len(groups)


def test_the_schedule_lies_where_the_first_parameter_does() -> None:
    schedule = schedulers.ConstantLR(adamw([], [parameter("meta")]), 0.5)
    assert schedule.rate_cell.is_meta
    assert schedule.last_epoch.is_meta


def test_devices_are_compared_over_empty_groups() -> None:
    with pytest.raises(ParameterError, match="is on meta, the first parameter is on"):
        adamw([], [parameter()], [], [parameter("meta")])
