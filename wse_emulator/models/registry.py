"""The makers of models: by the name of an architecture, or from a run config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn

from wse_emulator.configs.section import Section

Config = Mapping[str, object]
Maker = Callable[[Config], nn.Module]
Configured = Callable[[Section, str | None], nn.Module]


@dataclass(frozen=True, slots=True)
class _Recognised:
    place: int
    when: Callable[[Section, str | None], bool]
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
    when: Callable[[Section, str | None], bool], *, place: int
) -> Callable[[Configured], Configured]:
    """Make a function the maker of the run configs that ``when`` recognises.

    Both functions take the ``model`` section and the name that the config gives the model, which
    is None in most.

    Args:
        when: whether a section describes this kind of model.
        place: those that recognise more narrowly have lower places and are asked first.
    """

    def register(make: Configured) -> Configured:
        _CONFIGURED.append(_Recognised(place, when, make))
        return make

    return register


def maker_of(architecture: str) -> Maker | None:
    """What makes a published architecture; None for one that no family registers."""
    return _PUBLISHED.get(architecture)


def architectures() -> tuple[str, ...]:
    """Every architecture that a family registers, sorted."""
    return tuple(sorted(_PUBLISHED))


def configured_maker(settings: Section, name: str | None) -> Configured:
    """What makes the model of a run config: the first that recognises its section."""
    asked = sorted(_CONFIGURED, key=lambda one: one.place)
    return next(one.make for one in asked if one.when(settings, name))


def config_size(config: Config, name: str, default: int | None = None) -> int:
    """Read a whole number of a published configuration."""
    value = config.get(name, default)
    if value is None:
        value = default
    assert isinstance(value, int), name
    return value
