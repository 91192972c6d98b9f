"""``wafers``: the machines, with a source for every figure."""

from __future__ import annotations

from pathlib import Path
from typing import overload

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer.parse import Settings, machine_given
from wse_emulator.wafer.presets import PRESETS
from wse_emulator.wafer.spec import WaferSpec


@overload
def wafers(wafer: None = None, *, set: Settings = ()) -> tuple[WaferSpec, ...]: ...
@overload
def wafers(wafer: str | Path | WaferSpec, *, set: Settings = ()) -> WaferSpec: ...
def wafers(
    wafer: str | Path | WaferSpec | None = None, *, set: Settings = ()
) -> tuple[WaferSpec, ...] | WaferSpec:
    """List the machines, or find one by its name.

    Args:
        wafer: a preset, a machine file (JSON), or either cut to rows x columns.
        set: figures of that machine to change, as ``{"hop_cycles": 2}``.

    Returns:
        All presets without ``wafer``, else that machine. ``sources`` of a machine says where
        each of its figures comes from.

    Raises:
        UnknownNameError: no such preset.
        MalformedFileError: the machine file cannot be read.
        WaferSpecError: a figure is unknown or impossible, or the cut exceeds the machine.

    Example:
        >>> [spec.name for spec in wse_emulator.wafers()]
        ['wse1', 'wse2', 'wse3', 'wse3-silicon']
        >>> wse_emulator.wafers("wse2:64x48", set={"hop_cycles": 2}).hop_cycles
        2
    """
    if wafer is not None:
        return machine_given(wafer, set)
    if set:
        raise WaferSpecError("set changes one machine; name it, as wafers('wse2', set=...)")
    return tuple(PRESETS.values())
