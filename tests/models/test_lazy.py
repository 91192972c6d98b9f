"""Layers whose sizes are inferred by their first forward pass have no size to count."""

from __future__ import annotations

import pytest
import torch

import wse_emulator
from wse_emulator.errors import InputError
from wse_emulator.models.modules import shapes_of_module


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (torch.nn.Sequential(torch.nn.LazyLinear(4)), "0.weight"),
        (torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LazyBatchNorm1d()), "1.weight"),
        (torch.nn.LazyBatchNorm2d(affine=False), "running_mean"),
    ],
)
def test_lazy_layers_are_refused_by_the_name_of_their_parameter(
    module: torch.nn.Module, named: str
) -> None:
    with pytest.raises(InputError, match=f"mine: {named} has no size .* one forward pass"):
        shapes_of_module(module, "mine", "a module")


def test_an_optimizer_of_a_lazy_layer_is_not_judged() -> None:
    module = torch.nn.Sequential(torch.nn.LazyLinear(4))
    with pytest.raises(InputError, match=r"\[0\]\[0\] has no size before the first"):
        wse_emulator.check(torch.optim.SGD(module.parameters(), lr=0.1))


def test_a_lazy_layer_has_sizes_after_its_first_forward_pass() -> None:
    module = torch.nn.Sequential(torch.nn.LazyLinear(4))
    module(torch.zeros(2, 3))
    assert shapes_of_module(module, "mine", "a module").total_elements == 16
