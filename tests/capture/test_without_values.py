"""Code runs on tensors without values as on real ones, until it asks for a value."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import optimizers
from wse_emulator.capture.copies import twin
from wse_emulator.capture.without_values import NoValueError, WithoutValues


def bare(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def test_a_real_tensor_meets_one_without_values() -> None:
    with WithoutValues():
        made = bare(9, 9) + torch.ones(9, 9) * torch.tensor(2.0)
    assert made.is_meta


def test_numbers_made_inside_keep_their_values() -> None:
    with WithoutValues():
        count = torch.zeros(())
        for _ in range(3):
            count += 1
        rate = torch.tensor(0.5) / count
    assert rate.item() == pytest.approx(0.5 / 3)


def test_what_is_written_with_unknown_values_has_none() -> None:
    with WithoutValues():
        norm = torch.zeros(())
        norm.add_(bare(100).norm())
        with pytest.raises(NoValueError):
            norm.item()


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: torch.equal(x, x),
        lambda x: float(x.norm()),
    ],
)
def test_a_value_that_is_not_there_is_asked_for(read: object) -> None:
    assert callable(read)
    with WithoutValues(), pytest.raises(NoValueError):
        read(bare(100))


def test_a_tensor_from_outside_is_never_written() -> None:
    outside = torch.zeros(100)
    with WithoutValues():
        outside.add_(1.0)
        outside[3:].mul_(bare(97))
        torch.add(bare(100), 1.0, out=outside)
    assert torch.equal(outside, torch.zeros(100))


def test_a_tensor_of_the_copy_may_be_written() -> None:
    own = torch.zeros(3)
    with WithoutValues([own.untyped_storage()]):
        own.add_(1.0)
    assert own.sum() == 3


def test_large_tensors_made_of_nothing_take_no_memory() -> None:
    with WithoutValues():
        made = nn.Linear(100_000, 100_000)
    assert made.weight.is_meta
    assert made.weight.numel() == 10**10


def test_code_sees_tensors_on_the_cpu() -> None:
    x = bare(30, 30)
    with WithoutValues() as without, without.as_on_cpu():
        assert x.device.type == "cpu"
        assert not x.is_meta
        assert x.is_cpu
        assert x.to(x.device) is x.to(x) is x
        assert x.to("cpu").shape == (30, 30)
        assert x.to(x.device, torch.float64).dtype is torch.float64
        assert x.to(device="cpu", dtype=torch.bfloat16, copy=True).dtype is torch.bfloat16
        assert x.cpu().shape == (30, 30)
        assert x.new_tensor([1.5]).tolist() == [1.5]
        assert torch.tensor(2.5, device=x.device).item() == 2.5
    assert x.is_meta


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Linear(300, 300).to("cpu").to(torch.bfloat16).cpu(),
        lambda: nn.init.trunc_normal_(nn.Linear(300, 300).weight, std=0.02),
        lambda: nn.init.orthogonal_(nn.Linear(300, 300).weight),
        lambda: nn.Linear(300, 300).load_state_dict(nn.Linear(300, 300).state_dict()),
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(300, 300)),
        lambda: torch.randn(300, 300, generator=torch.Generator().manual_seed(1)),
    ],
)
def test_what_factories_do_to_models_goes_through(build: object) -> None:
    assert callable(build)
    with WithoutValues() as without, without.as_on_cpu():
        build()


def test_a_sealed_optimizer_steps_as_a_copy_without_values() -> None:
    flat = torch.zeros(800)
    parameters = [nn.Parameter(flat[:400].view(20, 20)), nn.Parameter(flat[400:].view(20, 20))]
    made = twin(optimizers.AdamW(parameters), values=False)
    with WithoutValues(made.storages) as without, without.as_on_cpu():
        for parameter in made.copy.param_groups[0]["params"]:
            parameter.grad = torch.zeros(20, 20)
        for _ in range(2):
            made.copy.step()
    assert torch.equal(flat, torch.zeros(800))


def test_initial_values_are_drawn_where_a_step_would_draw_them() -> None:
    """On tensors without values torch leaves them out, and a random step would look static."""
    with WithoutValues() as without, without.as_on_cpu():
        nn.init.trunc_normal_(bare(9, 9))
    with (
        WithoutValues() as without,
        without.as_on_cpu(draws=True),
        pytest.raises(NoValueError),
    ):
        nn.init.trunc_normal_(bare(9, 9))
