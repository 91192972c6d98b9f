"""The makers of models: by the name of an architecture, or by the kind that a run config names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.errors import ConfigError

Config = Mapping[str, object]
Maker = Callable[[Config], nn.Module]
Configured = Callable[[Section, str | None], nn.Module]


@dataclass(frozen=True, slots=True)
class _Recognised:
    title: str
    names: frozenset[str]
    place: int
    when: Callable[[Section], bool]
    make: Configured


_PUBLISHED: Final[dict[str, Maker]] = {}
_CONFIGURED: Final[list[_Recognised]] = []


def published(*architectures: str) -> Callable[[Maker], Maker]:
    """Make a function the maker of published architectures.

    The function takes the model's configuration, in the words of its source, and returns its
    layers.

    Args:
        architectures: classes of the model, as its source names them (``GPT2LMHeadModel``).
    """

    def register(make: Maker) -> Maker:
        for name in architectures:
            if name in _PUBLISHED:
                raise ValueError(f"two makers of {name}")
            _PUBLISHED[name] = make
        return make

    return register


def configured(
    title: str, *names: str, when: Callable[[Section], bool], place: int
) -> Callable[[Configured], Configured]:
    """Make a function the maker of the run configs of one kind of model.

    It takes the ``model`` section and the name that the config gives the model, which is None in
    release 1.x.

    Args:
        title: what a message calls this kind.
        names: what a config may call it.
        when: whether a section without a name describes this kind of model.
        place: those that recognise more narrowly have lower places and are asked first.
    """

    def register(make: Configured) -> Configured:
        spelled = frozenset(_bare(name) for name in names)
        _CONFIGURED.append(_Recognised(title, spelled, place, when, make))
        return make

    return register


def maker_of(architecture: str) -> Maker | None:
    """What makes a published architecture; None for one that no family registers."""
    return _PUBLISHED.get(architecture)


def architectures() -> tuple[str, ...]:
    """Every architecture that a family registers, sorted."""
    return tuple(sorted(_PUBLISHED))


def configured_maker(settings: Section, name: str | None) -> Configured:
    """What makes the model of a run config: the maker of its name, or without a name the first
    that recognises its section.

    Raises:
        ConfigError: it is a kind of model that no family builds; names those that are built.
    """
    asked = sorted(_CONFIGURED, key=lambda one: one.place)
    if name is None:
        foreign = next((kind for key, kind in _FOREIGN.items() if settings.has(key)), None)
        if foreign is not None:
            raise _not_built(settings, f"this section describes a {foreign}")
        return next(one.make for one in asked if one.when(settings))
    for one in asked:
        if _bare(name) in one.names:
            return one.make
    raise _not_built(settings, f"there are no layers for a {name!r}")


def _not_built(settings: Section, what: str) -> ConfigError:
    kinds = ", ".join(sorted({one.title for one in _CONFIGURED}))
    return settings.refused(
        f"{what}. Models are built of: {kinds}. Of any other, name a function that returns its "
        "nn.Module (file.py:function), or a shapes file (JSON)"
    )


def _bare(name: str) -> str:
    """A name without what spellings differ in."""
    return re.sub(r"[-_ ]", "", name.strip().lower())


_FOREIGN: Final = {
    "encoder_filters": "U-Net",
    "dpo": "preference optimization of two models (DPO)",
    "policy_model": "preference optimization of two models (DPO)",
    "vae": "diffusion transformer (DiT)",
    "num_diffusion_steps": "diffusion transformer (DiT)",
    "q_encoder": "pair of encoders (DPR)",
    "text_model": "vision-language model",
    "attention_style": "Linformer",
    "activation_fn": "multi-layer perceptron (fc_mnist)",
    "hidden_sizes": "multi-layer perceptron (fc_mnist)",
    "freeze_pretrained_model": "classifier of proteins (ESM-2)",
}
"""Keys by which a section without a name shows that no family builds its model."""


def config_size(config: Config, name: str, default: int | None = None) -> int:
    """Read a whole number of a published configuration."""
    value = config.get(name, default)
    if value is None:
        value = default
    assert isinstance(value, int), name
    return value
