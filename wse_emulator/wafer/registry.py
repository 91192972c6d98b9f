"""The machines that have a name: each registers itself in a file of ``wafer/presets/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True)
class Preset:
    """A machine that users name, and what its figures were taken from.

    Attributes:
        spec: the machine.
        silicon_of: the preset whose hardware this one describes by measured rates; records
            measured on that hardware are compared with this preset. None for a machine as
            documented.
        calibrated: operation of ``wse validate`` -> why a record of it agrees by construction;
            such records are shown as a check of consistency, not as validation.
    """

    spec: WaferSpec
    silicon_of: str | None = None
    calibrated: Mapping[str, str] = field(default_factory=dict)


_PRESETS: Final[dict[str, Preset]] = {}


def register(
    spec: WaferSpec, *, silicon_of: str | None = None, calibrated: Mapping[str, str] | None = None
) -> WaferSpec:
    """Give a machine its name in ``--wafer``, ``wse wafers`` and ``wse validate``.

    Args:
        spec: the machine; ``spec.name`` is the name.
        silicon_of: see :class:`Preset`.
        calibrated: see :class:`Preset`.

    Returns:
        The machine, so that a preset can be registered where it is defined.

    Raises:
        ValueError: the name is taken.
    """
    if spec.name in _PRESETS:
        raise ValueError(f"two presets are called {spec.name!r}")
    _PRESETS[spec.name] = Preset(spec, silicon_of, calibrated or {})
    return spec


def machines() -> Mapping[str, WaferSpec]:
    """The registered machines by name, in the order of their files' names."""
    return MappingProxyType({name: preset.spec for name, preset in _PRESETS.items()})


def silicon(name: str) -> WaferSpec | None:
    """The preset with rates measured on the hardware of the preset ``name``; None without one."""
    found = (preset.spec for preset in _PRESETS.values() if preset.silicon_of == name)
    return next(found, None)


def calibrated(name: str) -> Mapping[str, str]:
    """Operations that the preset ``name`` agrees with by construction -> why; see Preset."""
    return _PRESETS[name].calibrated if name in _PRESETS else {}
