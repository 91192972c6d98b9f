"""Read and write what a user types after ``--wafer`` and ``--set``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from wse_emulator.errors import WaferSpecError, WseError
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS
from wse_emulator.wafer.machine_file import FIELDS, preset, read_machine, with_settings
from wse_emulator.wafer.spec import WaferSpec

Settings = Mapping[str, object] | Iterable[str]
"""Changed figures of a machine: by name, or as the texts ``FIELD=VALUE``."""

_SIZE = re.compile(r"(-?\d+)x(-?\d+)", re.ASCII)


def parse_wafer(text: str, overrides: Sequence[str] = ()) -> WaferSpec:
    """The machine that ``text`` names, with ``FIELD=VALUE`` overrides applied.

    Args:
        text: a preset (``wse2``), a machine file (``mine.json``), or either cut to
            rows x columns (``wse2:64x48``).
        overrides: settings as :func:`with_settings` takes them; applied after the cut.

    Raises:
        UnknownNameError: no such preset.
        MalformedFileError: the machine file cannot be read.
        WaferSpecError: a field is unknown or impossible, or the cut exceeds the machine.
    """
    name, colon, size = text.strip().rpartition(":")
    if not colon or size.lower().endswith(".json"):
        name, colon = text.strip(), ""
    spec = read_machine(Path(name)) if name.lower().endswith(".json") else preset(name)
    if colon:
        match = _SIZE.fullmatch(size.strip().lower())
        if match is None:
            raise WaferSpecError(
                f"{text!r}: write the cut as ROWSxCOLS after the colon, as {name}:64x48"
            )
        spec = spec.scaled(int(match[1]), int(match[2]))
    changed = with_settings(spec, overrides)
    by_its_name = changed.name == spec.name and not name.lower().endswith(".json")
    return changed if by_its_name else replace(changed, typed=text.strip())


def machine_given(wafer: object, settings: Settings = ()) -> WaferSpec:
    """The machine that a user gives by name, file or value, with changed figures.

    Args:
        wafer: what :func:`parse_wafer` takes, or a machine.
        settings: figures to change: ``{"hop_cycles": 2}``, or texts as ``--set`` takes them.

    Raises:
        WaferSpecError: neither a name nor a machine, or a figure that is unknown or impossible.
        InputError: as :func:`parse_wafer`.
    """
    texts = _settings(settings)
    if isinstance(wafer, WaferSpec):
        return with_settings(wafer, texts)
    if isinstance(wafer, str | Path):
        return parse_wafer(str(wafer), texts)
    raise WaferSpecError(
        f"the wafer is {wafer!r}; give a name, as 'wse2' or 'wse2:64x48', a machine file, or a "
        "WaferSpec"
    )


def _settings(settings: object) -> list[str]:
    if isinstance(settings, str):
        return [settings]
    if isinstance(settings, Mapping):
        return [f"{name}={value}" for name, value in settings.items()]
    if isinstance(settings, Iterable):
        return [str(text) for text in settings]
    raise WaferSpecError(
        f"set is {settings!r}; give figures by name, as {{'hop_cycles': 2}}, or texts, as "
        "['hop_cycles=2']"
    )


def typed_wafer(spec: WaferSpec) -> tuple[str, tuple[str, ...]] | None:
    """What to write after ``--wafer`` and after each ``--set`` to name a machine.

    Returns:
        The name and the settings, which :func:`parse_wafer` reads back to an equal machine; None
        for a machine that was made in Python and differs from its preset in more than settings.

    Example:
        >>> typed_wafer(parse_wafer("wse2:8x6", ["hop_cycles=2"]))
        ('wse2:8x6', ('hop_cycles=2',))
    """
    text = spec.typed or spec.name
    try:
        base = parse_wafer(text)
        settings = (
            *_changed_fields(base, spec),
            *_changed_lanes(base, spec),
            *_changed_library(base, spec),
            *_changed_kernels(base, spec),
        )
        return (text, settings) if with_settings(base, settings) == spec else None
    except WseError:
        return None


def _changed_fields(base: WaferSpec, spec: WaferSpec) -> list[str]:
    return [
        f"{name}={getattr(spec, name)}"
        for name in FIELDS
        if name not in ("lanes", "library", "kernels", "sources", "unsourced")
        and getattr(spec, name) != getattr(base, name)
    ]


def _changed_lanes(base: WaferSpec, spec: WaferSpec) -> list[str]:
    known: dict[tuple[str, str], Fraction] = {
        (rate.op_class, rate.dtype): rate.elements_per_cycle for rate in base.lanes
    }
    return [
        f"lanes.{rate.op_class}.{rate.dtype}={rate.elements_per_cycle}"
        for rate in spec.lanes
        if known.get((rate.op_class, rate.dtype)) != rate.elements_per_cycle
    ]


def _changed_library(base: WaferSpec, spec: WaferSpec) -> list[str]:
    known = set(base.library)
    return [f"{call.field}={call.cycles}" for call in spec.library if call not in known]


def _changed_kernels(base: WaferSpec, spec: WaferSpec) -> list[str]:
    return [
        f"kernels.{name}={getattr(spec.kernels, name)}"
        for name in KERNEL_FIELDS
        if getattr(spec.kernels, name) != getattr(base.kernels, name)
    ]
