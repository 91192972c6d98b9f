"""What a run config's model is built from is never listed as not used, and the rest is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from torch import nn

from wse_emulator.configs.read import parse_run_config
from wse_emulator.configs.values import RunConfig
from wse_emulator.models.model_zoo import build_model_zoo

CONFIGS = sorted((Path(__file__).parents[1] / "data" / "run_configs").glob("*.yaml"))
DEPTHS = ("num_hidden_layers", "encoder_num_hidden_layers", "decoder_num_hidden_layers")
MOST_VALUES = 6
Place = tuple[str | int, ...]


def section_of(document: object) -> dict[str, object]:
    """The ``model`` section of a run config of either release."""
    assert isinstance(document, dict)
    found = document["trainer"]["init"]["model"] if "trainer" in document else document["model"]
    assert isinstance(found, dict)
    return found


def leaves(entry: object, place: Place = ()) -> Iterator[Place]:
    """Where the values of a section stand; lists of sections are walked, lists of values not."""
    if isinstance(entry, dict):
        for key, value in entry.items():
            yield from leaves(value, (*place, key))
    elif isinstance(entry, list) and entry and isinstance(entry[0], dict):
        for index, value in enumerate(entry):
            yield from leaves(value, (*place, index))
    else:
        yield place


def other_values(value: object) -> list[object]:
    """Values that a section could hold instead."""
    if value is None or isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value * 2 + 1, 3]
    if isinstance(value, list):
        return [[*value, *value]]
    return ["rotary", "learned", "rmsnorm", "swiglu", "relu", "bert"][:MOST_VALUES]


def value_at(document: object, place: Place) -> object:
    """What stands at a place of the ``model`` section."""
    entry: object = section_of(document)
    for step in place:
        entry = entry[step]  # type: ignore[index]  # a place that was found in this document
    return entry


def changed(document: object, place: Place, value: object) -> dict[str, object]:
    """The document with another value at one place of its ``model`` section."""
    made = copy.deepcopy(document)
    inner = value_at(made, place[:-1])
    inner[place[-1]] = value  # type: ignore[index]
    assert isinstance(made, dict)
    return made


def built(document: dict[str, object]) -> tuple[RunConfig, nn.Module]:
    config = parse_run_config(document, "mine.yaml")
    return config, build_model_zoo(config.model.name, config.model.section)


def looks(module: nn.Module) -> object:
    """Everything that tells one model of ours from another."""
    shapes = [(name, tuple(p.shape)) for name, p in module.named_parameters()]
    return shapes, repr(module), repr(getattr(module, "facts", None))


def dotted(place: Place) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text[1:]


def is_listed(name: str, config: RunConfig) -> bool:
    """Whether a name of the section, or a section that it stands in, is among the unused."""
    prefix = f"{config.model.section.path}."
    entries = [e.removeprefix(prefix) for e in config.unused if e.startswith(prefix)]
    return any(name == e or name.startswith((f"{e}.", f"{e}[")) for e in entries)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_what_changes_the_model_is_not_listed(path: Path) -> None:
    document = json.loads(json.dumps(yaml.safe_load(path.read_text())))  # without shared parts
    for place in list(leaves(section_of(document))):  # few layers build as many do, and sooner
        if place[-1] in DEPTHS:
            document = changed(document, place, 1)
    config, module = built(document)
    before = looks(module)
    unused = [place for place in leaves(section_of(document)) if is_listed(dotted(place), config)]
    assert unused
    for number in range(MOST_VALUES):  # all at once; what is told apart is the model
        other = document
        for place in unused:
            values = other_values(value_at(document, place))
            other = changed(other, place, values[number % len(values)])
        assert looks(built(other)[1]) == before


def test_keys_that_the_builder_takes_are_used_once_it_has_built() -> None:
    document = yaml.safe_load((CONFIGS[0].parent / "1x__params_gptj_6B.yaml").read_text())
    taken = {
        "model.nonlinearity",
        "model.rotary_dim",
        "model.share_embedding_weights",
        "model.residual_dropout_rate",
    }
    assert taken <= set(parse_run_config(document, "mine.yaml").unused)
    config, _ = built(document)
    assert not taken & set(config.unused)
    assert {"model.initializer_range", "model.loss_weight"} <= set(config.unused)


def test_of_a_list_of_trunks_both_are_used() -> None:
    name = "2x__params_dinov2_large_patch14_img224.yaml"
    config, _ = built(yaml.safe_load((CONFIGS[0].parent / name).read_text()))
    trunks = "trainer.init.model.image_model_trunks"
    for index in (0, 1):
        assert f"{trunks}[{index}].image_model.initializer_range" in config.unused
        assert f"{trunks}[{index}].image_model.patch_size" not in config.unused
    assert trunks not in config.unused
