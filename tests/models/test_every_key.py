"""Every key of a published ``model`` section changes the model, or is known not to, or is refused.

The sections are those of the Model Zoo's run configs (``tests/data/model_zoo_sections.json``).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from wse_emulator.configs.section import Section
from wse_emulator.errors import ConfigError
from wse_emulator.models.examples import example_for
from wse_emulator.models.model_zoo import build_model_zoo
from wse_emulator.models.registry import configured_maker
from wse_emulator.models.without_effect import WITHOUT_EFFECT, why_without_effect

DATA = Path(__file__).parents[1] / "data" / "model_zoo_sections.json"
SECTIONS = json.loads(DATA.read_text())["sections"]
BUILT = [entry for entry in SECTIONS if entry["parameters"] is not None]
REFUSED = [entry for entry in SECTIONS if entry["parameters"] is None]
DEPTHS = ("num_hidden_layers", "encoder_num_hidden_layers", "decoder_num_hidden_layers")
LONG = {"max_position_embeddings", "src_max_position_embeddings"}
OTHERS = {
    "position_embedding_type": ["rotary", "learned"],
    "attention_module": ["aiayn_attention", "multiquery_attention"],
    "norm_type": ["layernorm", "rmsnorm"],
    "freeze": [["^no_such_part"]],
}
SAMPLES = 7
Place = tuple[str | int, ...]


def section(entry: dict[str, object], model: object) -> Section:
    assert isinstance(model, dict)
    return Section(model, "model", str(entry["file"]))


def shallow(model: object) -> object:
    """The same section with one layer a stack and a short sequence."""
    if isinstance(model, list):
        return [shallow(value) for value in model]
    if not isinstance(model, dict):
        return model
    small = {key: 1 for key in DEPTHS if key in model}
    small |= {key: min(model[key], 64) for key in LONG & model.keys()}
    return {key: small.get(key, shallow(value)) for key, value in model.items()}


def leaves(entry: object, place: Place = ()) -> Iterator[Place]:
    if isinstance(entry, dict):
        for key, value in entry.items():
            yield from leaves(value, (*place, key))
    elif isinstance(entry, list) and entry and isinstance(entry[0], dict):
        for index, value in enumerate(entry):
            yield from leaves(value, (*place, index))
    else:
        yield place


def others(key: str, value: object) -> list[object]:
    """Values that a section could hold instead."""
    if key in OTHERS:
        return [other for other in OTHERS[key] if other != value]
    if value is None or isinstance(value, bool):
        return [not value]
    if isinstance(value, float) and 0.0 <= value < 1.0:
        return [0.1 if value == 0.0 else 0.0, None]
    if isinstance(value, int | float):
        return [value * 2, None]
    if isinstance(value, list):
        return [[2 * one if isinstance(one, int) else one for one in value]]
    return ["relu", "swiglu", "unknown"]


def changed(model: object, place: Place, value: object) -> object:
    made = copy.deepcopy(model)
    inner = made
    for step in place[:-1]:
        inner = inner[step]  # type: ignore[index]
    inner[place[-1]] = value  # type: ignore[index]
    return made


def shapes(module: nn.Module) -> object:
    return [(n, tuple(p.shape), p.requires_grad) for n, p in module.named_parameters()]


def activations(module: nn.Module) -> object:
    """What the forward pass keeps, and the operations that the backward pass undoes."""
    example = example_for(module, SAMPLES)
    kept: list[tuple[int, ...]] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = module(*example.arguments, **example.keywords)
    todo, seen, names = [loss.grad_fn], set(), []
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names.append(node.name())
            todo.extend(one for one, _ in node.next_functions)
    return kept, names


def dotted(place: Place) -> str:
    return ".".join(str(step) for step in place if isinstance(step, str))


def cases() -> list[tuple[dict[str, object], Place]]:
    """One section for each key of each family; of a list of parts, the last."""
    found: dict[tuple[object, str], tuple[dict[str, object], Place]] = {}
    for entry in BUILT:
        family = configured_maker(section(entry, entry["model"]), entry["model"].get("name"))
        for place in leaves(entry["model"]):
            held = found.get((family, dotted(place)), (entry, place))
            if why_without_effect(dotted(place)) is None and held[0] is entry:
                found[family, dotted(place)] = (entry, place)
    return list(found.values())


def test_every_key_of_the_published_configs_counts() -> None:
    without: list[str] = []
    before: dict[str, nn.Module] = {}
    for entry, place in cases():
        model = shallow(entry["model"])
        assert isinstance(model, dict)
        if place != ("freeze",):  # what is frozen keeps nothing, whatever it is
            model.pop("freeze", None)
        name = f"{entry['file']} {'freeze' in model}"
        if name not in before:
            before[name] = build_model_zoo(None, section(entry, model))
        value = model
        for step in place:
            value = value[step]  # type: ignore[index]
        for other in others(str(place[-1]), value):
            try:
                module = build_model_zoo(None, section(entry, changed(model, place, other)))
            except ConfigError:
                break
            if shapes(module) != shapes(before[name]):
                break
            if activations(module) != activations(before[name]):
                break
        else:
            without.append(f"{name}: {dotted(place)}")
    assert without == []


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=entry["file"], marks=() if index % 6 == 0 else pytest.mark.deep)
        for index, entry in enumerate(BUILT)
    ],
)
def test_sections_have_the_published_number_of_parameters(entry: dict[str, object]) -> None:
    module = build_model_zoo(None, section(entry, entry["model"]))
    parameters = list(module.parameters())
    assert sum(p.numel() for p in parameters) == entry["parameters"]
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    assert trained == entry.get("trained", entry["parameters"])


@pytest.mark.parametrize("entry", REFUSED, ids=[entry["file"] for entry in REFUSED])
def test_other_families_are_refused_by_name(entry: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"Models are built of: decoder|not known for this kind"):
        build_model_zoo(None, section(entry, entry["model"]))


DECODER = {"hidden_size": 64, "num_heads": 4, "num_hidden_layers": 2, "vocab_size": 100}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "unet", **DECODER}, r"no layers for a 'unet'.*shapes file"),
        ({**DECODER, "hidden_sizzle": 3}, "hidden_sizzle is not known"),
        ({**DECODER, "moe": {"num_experts": 4, "top_k": 5}}, "top_k 5 of 4 experts"),
        ({**DECODER, "moe": {"num_experts": -4}}, "num_experts is -4"),
        ({**DECODER, "moe": {"num_experts": 10**9}}, "at most 1,024 a layer"),
        ({**DECODER, "hidden_size": 2**63}, "hidden_size is .* impossibly large"),
        ({**DECODER, "moe": {"num_experts": 4, "gate_size": 2}}, "moe.gate_size is not known"),
        ({**DECODER, "freeze": ["^vit"]}, r"'\^vit' matches no parameter.*embedding_layer"),
        ({**DECODER, "freeze": ["("]}, "no regular expression"),
        ({**DECODER, "freeze": "lm_head"}, "must be a list of texts"),
        ({**DECODER, "dropout_rate": 1.5}, "from 0 to 1"),
        ({**DECODER, "rotary_dim": 17, "position_embedding_type": "rotary"}, "no even number"),
        ({**DECODER, "attention_inner_dim": 66}, "attention_inner_dim 66 is no multiple"),
        (
            {**DECODER, "extra_attention_params": {"num_kv_groups": 3}},
            "no multiple of num_kv_groups 3",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(model: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model_zoo(None, Section(model, "model", "mine.yaml"))


def test_frozen_parameters_are_those_of_the_patterns() -> None:
    frozen = {**DECODER, "freeze": ["^embedding_layer", r"layers\.0\.self_attn"]}
    module = build_model_zoo(None, Section(frozen, "model", "mine.yaml"))
    names = {name for name, p in module.named_parameters() if not p.requires_grad}
    assert "embedding.tokens.weight" in names
    assert "layers.0.attention.query.weight" in names
    assert not any(name.startswith(("layers.1", "layers.0.ffn", "norm")) for name in names)


@pytest.mark.parametrize(
    ("moe", "more"),
    [
        ({"num_experts": 8, "top_k": 2}, 7 * 3 * 64 * 256 + 8 * 64),
        ({"num_experts": 4, "num_shared_experts": 1}, 4 * 3 * 64 * 256 + 4 * 64),
        ({"num_experts": 4, "routing_algorithm": "hash"}, 3 * 3 * 64 * 256),
        ({"num_experts": 1}, 0),
    ],
)
@pytest.mark.parametrize("key", ["moe", "moe_params"])
def test_experts_count_with_their_router(key: str, moe: dict[str, object], more: int) -> None:
    plain = {**DECODER, "nonlinearity": "swiglu", "use_ffn_bias": False}

    def count(model: dict[str, object]) -> int:
        module = build_model_zoo(None, Section(model, "model", "mine.yaml"))
        return sum(p.numel() for p in module.parameters())

    assert count({**plain, key: moe}) - count(plain) == 2 * more


def test_the_list_of_keys_without_effect_gives_a_reason_each() -> None:
    assert all(len(reason.split()) > 2 for reason in WITHOUT_EFFECT.values())
