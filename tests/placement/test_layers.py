"""Layers from names."""

from __future__ import annotations

import pytest

from wse_emulator.models.names import layer_of
from wse_emulator.placement.layers import group_layers, merge_small


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("transformer.h.3.attn.c_attn.weight", "transformer.h.3"),
        ("layer1.0.bn1.bias", "layer1.0"),
        ("stages.1.2.w", "stages.1.2"),
        ("0.weight", "0"),
        ("lm_head.weight", None),
        ("w", None),
        ("h.7", None),  # the index is the parameter's own name, not a layer's
        ("encoder.block.0.layer.1.DenseReluDense.wi.weight", "encoder.block.0"),
    ],
)
def test_a_layer_is_the_name_up_to_its_index(name: str, layer: str | None):
    assert layer_of(name) == layer


def test_consecutive_names_without_an_index_share_a_group():
    names = ["wte.weight", "wpe.weight", "h.0.a", "h.0.b", "h.1.a", "ln_f.weight", "ln_f.bias"]
    groups = group_layers(names, [10, 10, 5, 5, 10, 1, 1])
    assert [g.name for g in groups] == ["wte .. wpe", "h.0", "h.1", "ln_f"]
    assert [g.load_bytes for g in groups] == [20, 10, 10, 2]


def test_a_small_group_joins_its_neighbour_and_light_layers_join_on_few_pes():
    groups = group_layers(
        ["wte.weight", "h.0.a", "h.1.a", "h.2.a", "ln_f.weight"], [9, 10, 1, 1, 1]
    )
    merged = merge_small(groups, limit_bytes=5, most=9)
    assert [g.name for g in merged] == ["wte", "h.0", "h.1", "h.2 .. ln_f"]
    assert [g.name for g in merge_small(groups, 5, most=2)] == ["wte", "h.0 .. ln_f"]
    assert merge_small(groups, 5, most=1)[0].tensors == (0, 1, 2, 3, 4)
