"""What backward keeps: counted by hand on small layers, and against torch's own memory tracker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributed._tools.mem_tracker import MemTracker
from transformers import BertConfig, BertForPreTraining, GPT2Config, GPT2LMHeadModel

from wse_emulator.capture.saved import PROBE_BATCH, StageBytes, saved_for_backward
from wse_emulator.models.examples import example_for
from wse_emulator.models.families.resnet import ResidualNetwork
from wse_emulator.models.published import build_published


def stages_of(module: nn.Module, *arguments: Tensor) -> dict[str, StageBytes]:
    return {stage.name: stage for stage in saved_for_backward(module, arguments, {})}


def test_a_linear_layer_keeps_its_input_and_a_relu_its_output():
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    stages = stages_of(module, torch.zeros(PROBE_BATCH, 8, device="meta"))
    assert stages["0"].saved == 8 * 4
    assert stages["1"].saved == 16 * 4
    # the second linear layer needs the relu's output, which is kept already
    assert (stages["2"].saved, stages["2"].shared) == (0, 16 * 4)
    assert [stages[n].entering for n in "012"] == [8 * 4, 16 * 4, 16 * 4]


def test_parameters_do_not_count_and_what_does_not_grow_is_fixed():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.empty(8, device="meta"))

        def forward(self, x: Tensor) -> Tensor:
            mask = torch.ones(8, device="meta") * 2
            return (x * self.scale) * mask

    (stage,) = saved_for_backward(Scaled(), (torch.zeros(PROBE_BATCH, 8, device="meta"),), {})
    assert stage.saved == 8 * 4  # x, for the gradient of scale
    assert stage.fixed == 8 * 4  # the mask


def test_hooks_and_training_mode_are_left_as_they_were():
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(2, 2)).eval()
    stages_of(module, torch.zeros(PROBE_BATCH, 2, device="meta"))
    assert not module.training
    assert not module[0]._forward_hooks
    assert not module[0]._forward_pre_hooks


def gpt2() -> nn.Module:
    config = GPT2Config(
        n_layer=2,
        n_embd=64,
        n_head=4,
        vocab_size=503,
        n_positions=64,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    return GPT2LMHeadModel(config)


def bert() -> nn.Module:
    return BertForPreTraining(
        BertConfig(
            num_hidden_layers=2,
            hidden_size=64,
            num_attention_heads=4,
            intermediate_size=256,
            vocab_size=503,
            attn_implementation="eager",
        )
    )


def resnet() -> nn.Module:
    return ResidualNetwork((1, 1, 1, 1), 10)


@pytest.mark.parametrize("make", [gpt2, bert, resnet])
def test_saved_bytes_agree_with_the_memory_tracker(make: Callable[[], nn.Module]):
    """Activations alive at the end of forward, all outputs but the loss released."""
    batch, sequence = 2, 64
    with torch.device("meta"):
        meta = make()
    example = example_for(meta, PROBE_BATCH, sequence)
    stages = saved_for_backward(meta, example.arguments, example.keywords)
    counted = sum(stage.fixed + batch * stage.saved for stage in stages)

    real = make().train()
    example = example_for(meta, batch, sequence)
    arguments = [_real(value) for value in example.arguments]
    keywords = {name: _real(value) for name, value in example.keywords.items()}
    tracker = MemTracker()
    inputs = [value for value in (*arguments, *keywords.values()) if isinstance(value, Tensor)]
    tracker.track_external(real, *inputs)
    with tracker:
        output = real(*arguments, **keywords)
        loss = output if isinstance(output, Tensor) else output.loss
        del output
        snapshot = tracker.get_tracker_snapshot("current")
    assert loss.requires_grad
    tracked = sum(
        size
        for device in snapshot.values()
        for kind, size in device.items()
        if str(kind).endswith("ACT")
    )
    assert counted == pytest.approx(tracked, rel=0.02)


def _real(value: object) -> object:
    return torch.zeros(value.shape, dtype=value.dtype) if isinstance(value, Tensor) else value


def test_the_packages_own_gpt2_keeps_no_more_than_the_reference_implementation():
    """It uses the same operations, but one kernel for the nonlinearity."""
    config = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 503, "n_positions": 64}
    own = build_published("GPT2LMHeadModel", config)
    assert own is not None
    with torch.device("meta"):
        reference = gpt2()
    kept = []
    for module in (own, reference):
        example = example_for(module, PROBE_BATCH, 64)
        stages = saved_for_backward(module, example.arguments, example.keywords)
        kept.append(sum(stage.saved for stage in stages))
    assert 0.7 * kept[1] < kept[0] <= kept[1]
