"""Profiles: every stage in the rectangle of its layer, and how many samples are alive."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from wse_emulator.errors import InputError
from wse_emulator.models.catalog import builtin_model
from wse_emulator.models.load import module_of_model
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.plan.activations import ActivationProfile, LayerActivations, activation_profile
from wse_emulator.plan.in_flight import pipelined_bytes, samples_in_flight, streaming_bytes


def test_stages_of_gpt2_lie_with_their_layers_and_the_tied_head_with_the_embedding():
    profile = activation_profile(builtin_model("gpt2"), "bfloat16")
    assert profile.sequence == 1024
    layers = [stage.layer for stage in profile.stages]
    embedding = "transformer.wte .. transformer.wpe"
    assert layers == [embedding, *(f"transformer.h.{i}" for i in range(12)), embedding]
    # what enters a layer: 1,024 tokens of 768 values of 2 bytes
    assert {stage.entering for stage in profile.stages[1:]} == {1024 * 768 * 2}
    # logits dominate the last stage: log-probabilities of 1,024 tokens over 50,257 words
    assert profile.stages[-1].saved == pytest.approx(1024 * 50257 * 2, rel=0.05)


@pytest.mark.parametrize("name", ["gpt2", "bert-base", "t5-small", "timm-vit-base-patch16-224"])
def test_three_blocks_of_a_stack_tell_what_all_of_them_do(name: str):
    model = builtin_model(name)
    one_by_one = replace(model, build=lambda: module_of_model(model))
    length = None if "vit" in name else 64
    assert activation_profile(model, "bfloat16", length) == activation_profile(
        one_by_one, "bfloat16", length
    )


class Leaving(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        raise SystemExit(f"no forward of {x.dim()} dimensions")


class Unsure(nn.Linear):
    def example_inputs(self, batch_size: int, sequence_length: int | None) -> tuple[object, ...]:
        raise ValueError(f"no idea of {batch_size} samples of {sequence_length} tokens")


@pytest.mark.parametrize(
    ("module", "message"),
    [(Leaving(4, 4), "SystemExit: no forward"), (Unsure(4, 4), "ValueError: no idea")],
)
def test_a_module_that_fails_is_refused_with_its_own_words(module: nn.Module, message: str):
    shapes = shapes_of_module(module, "mine", "a test", build=lambda: module)
    with pytest.raises(InputError, match=message):
        activation_profile(shapes, "float32")


def test_half_the_bytes_an_element_is_half_the_activations():
    wide = activation_profile(builtin_model("opt-125m"), "float32", 64)
    half = activation_profile(builtin_model("opt-125m"), "cbfloat16", 64)
    assert wide.saved_per_sample == pytest.approx(2 * half.saved_per_sample, rel=0.02)


@pytest.mark.parametrize("name", ["tv-resnet50", "timm-vit-base-patch16-224", "bert-base"])
def test_models_without_a_decoder_have_profiles_too(name: str):
    profile = activation_profile(builtin_model(name), "float32")
    assert profile.saved_per_sample > 0
    assert len({stage.layer for stage in profile.stages}) > 10


def test_more_tokens_than_positions_and_shapes_without_layers_are_refused():
    with pytest.raises(InputError, match="1025 exceeds the 1024 positions"):
        activation_profile(builtin_model("gpt2"), "float32", 1025)
    shapes = ModelShapes(name="mine", parameters=(TensorShape("w", (2,), "float32"),))
    with pytest.raises(InputError, match="only its shapes are known"):
        activation_profile(shapes, "float32")


def profile_of(*sizes: int) -> ActivationProfile:
    """Numbered stages that keep ``10 * size`` bytes a sample, of which ``size`` enters."""
    return ActivationProfile(
        sequence=None,
        stages=tuple(
            LayerActivations(
                layer=f"layer.{i}",
                numbered=True,
                saved=10 * size,
                shared=0,
                entering=size,
                shared_entering=0,
                fixed=0,
            )
            for i, size in enumerate(sizes)
        ),
    )


def test_a_pipeline_holds_fewer_samples_in_later_stages():
    assert [samples_in_flight(i, 4, 100, 2) for i in range(4)] == [8, 6, 4, 2]
    assert samples_in_flight(0, 4, 3, 2) == 3
    alive = pipelined_bytes(profile_of(1, 1, 1), batch=9, micro_batch=1, recomputed=0)
    assert list(alive.values()) == [30, 20, 10]


def test_recomputation_keeps_inputs_and_one_micro_batch():
    alive = pipelined_bytes(profile_of(1, 1, 1), batch=9, micro_batch=1, recomputed=3)
    # three inputs and one sample; two and one; in the last stage nothing is gained
    assert list(alive.values()) == [13, 12, 10]


def test_streaming_keeps_every_sample_and_works_on_few():
    kept = streaming_bytes(profile_of(1, 2), batch=10, micro_batch=1, recomputed=0)
    assert kept["saved for backward"] == 300
    again = streaming_bytes(profile_of(1, 2), batch=10, micro_batch=3, recomputed=2)
    assert again == {
        "saved for backward": 0,
        "layer inputs": 30,
        "gradients between layers": 20,
        "working set of a layer": 3 * 20,
        "independent of the batch": 0,
    }


profiles = st.lists(st.integers(1, 50), min_size=1, max_size=8).map(lambda s: profile_of(*s))


@given(profiles, st.integers(1, 60), st.integers(1, 60), st.integers(0, 9))
def test_fewer_samples_or_more_recomputation_never_need_more(profile, batch, micro, recomputed):
    for count in (pipelined_bytes, streaming_bytes):
        here = sum(count(profile, batch, micro, recomputed).values())
        assert sum(count(profile, batch + 1, micro, recomputed).values()) >= here
        assert sum(count(profile, batch, micro + 1, recomputed).values()) >= here
        if count is pipelined_bytes:
            assert sum(count(profile, batch, micro, recomputed + 1).values()) <= here
